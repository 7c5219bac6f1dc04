"""Handlers of installed packages: each is a folder with metadata on Python's path, as pip would leave it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from handlers import custom
from handlers.discovery import discover
from handlers.errors import HandlerError, HandlerModuleBroken, NameClash, NoRouter
from handlers.settings import HandlerSettings

pytestmark = pytest.mark.usefixtures("modules_restored")

ONE = """from handlers import Router
router = Router()

@router.on('memory.stored')
def {0}(event, ctx): ...
"""

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / "custom").mkdir()
    monkeypatch.setattr(custom, "__path__", [str(tmp_path / "custom")])
    monkeypatch.chdir(tmp_path)
    sys.path.append(str(site))  # `modules_restored` takes it off again

    def install_one(distribution: str, entry_points: str, **modules: str) -> Path:
        metadata = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[hooks.handlers]\n{entry_points}\n")
        for name, source in modules.items():
            (site / f"{name}.py").write_text(source)
        return site

    return install_one


def names(*modules: str, builtin: bool = False) -> list[str]:
    return [handler.name for handler in discover(HandlerSettings(modules=modules, builtin=builtin)).handlers]


def test_they_run_after_the_custom_ones_and_before_the_named_ones_in_the_order_of_their_names(
    install: Install, tmp_path: Path
) -> None:
    install("zoo-hooks", "ant = zoo_hooks", zoo_hooks=ONE.format("of_zoo"))
    install("bee-hooks", "bee = bee_hooks", bee_hooks=ONE.format("of_bee"))
    (tmp_path / "custom" / "mine.py").write_text(ONE.format("customised"))
    (tmp_path / "named_hooks.py").write_text(ONE.format("named"))
    assert names("named_hooks", builtin=True) == ["log_event", "customised", "of_zoo", "of_bee", "named"]


def test_an_entry_point_may_name_one_router_of_several(install: Install) -> None:
    two = ONE.format("one") + ONE.replace("router", "second").format("two")
    install("two-hooks", "two = two_hooks:second", two_hooks=two)
    assert names() == ["two"]


def test_an_entry_point_that_names_a_module_brings_all_of_its_routers(install: Install) -> None:
    two = ONE.format("one") + ONE.replace("router", "second").format("two")
    install("two-hooks", "two = two_hooks", two_hooks=two)
    assert names() == ["one", "two"]


def test_the_same_router_on_two_ways_is_no_clash(install: Install) -> None:
    install("twice-hooks", "a = twice_hooks\nb = twice_hooks:router", twice_hooks=ONE.format("once"))
    assert names("twice_hooks") == ["once"]


@pytest.mark.parametrize(
    ("entry_point", "source", "kind", "words"),
    [
        ("bad = bad_hooks", "x = 1\n1 / 0\n", HandlerModuleBroken, "bad_hooks.py:2: ZeroDivisionError"),
        ("bad = not_there", "", HandlerModuleBroken, "there is no module 'not_there'"),
        ("bad = bad_hooks", "", NoRouter, "'bad_hooks'"),
        ("bad = bad_hooks:rooter", ONE.format("f"), NoRouter, "'rooter' should be a Router"),
        ("bad = bad_hooks:f", ONE.format("f"), NoRouter, "is a function"),
        ("bad = bad hooks", "", HandlerModuleBroken, "'bad hooks' names no module"),
        ("bad = bad_hooks", ONE.format("log_event"), NameClash, "bad_hooks.py:4"),
        ("bad = bad_hooks", ONE.format("f").replace("event, ctx", "event"), HandlerError, "bad_hooks.py:4"),
    ],
)
def test_what_is_wrong_names_the_package_the_entry_point_and_the_place(
    install: Install, entry_point: str, source: str, kind: type[HandlerError], words: str
) -> None:
    install("Acme-Hooks", entry_point, bad_hooks=source)
    with pytest.raises(kind) as raised:
        names(builtin=True)
    assert words in str(raised.value)
    assert "'Acme-Hooks'" in str(raised.value)
    assert "entry point 'bad' of hooks.handlers" in str(raised.value)
