"""Finding all handlers at start."""

import re
import sys
from pathlib import Path

import pytest

from eventlog.event import KNOWN_TYPES
from handlers import Router, custom
from handlers.discovery import discover, warnings_for
from handlers.errors import HandlerError, HandlerModuleBroken, NameClash, NoRouter
from handlers.settings import HandlerSettings

pytestmark = pytest.mark.usefixtures("modules_restored")

ONE = """from handlers import Router
router = Router()

@router.on('memory.stored')
def {0}(event, ctx): ...
"""


@pytest.fixture
def custom_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "custom"
    folder.mkdir()
    monkeypatch.setattr(custom, "__path__", [str(folder)])
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, custom_folder: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def names(router: Router) -> list[str]:
    return [handler.name for handler in router.handlers]


def settings(*modules: str, builtin: bool = False) -> HandlerSettings:
    return HandlerSettings(modules=modules, builtin=builtin)


def test_the_builtin_handlers_can_be_turned_off(here: Path) -> None:
    assert names(discover(settings(builtin=True))) == ["log_event"]
    assert names(discover(settings(builtin=False))) == []


def test_builtin_then_custom_in_name_order_then_the_named_modules(here: Path, custom_folder: Path) -> None:
    (custom_folder / "zebra.py").write_text(ONE.format("zebra"))
    (custom_folder / "ant.py").write_text(ONE.format("ant"))
    (here / "later_hooks.py").write_text(ONE.format("later"))
    (here / "earlier_hooks.py").write_text(ONE.format("earlier"))
    router = discover(settings("later_hooks", "earlier_hooks", builtin=True))
    assert names(router) == ["log_event", "ant", "zebra", "later", "earlier"]


def test_parts_and_tests_among_the_custom_files_are_left_alone(here: Path, custom_folder: Path) -> None:
    (custom_folder / "_parts.py").write_text("raise AssertionError")
    (custom_folder / "test_mine.py").write_text("raise AssertionError")
    (custom_folder / "notes.txt").write_text("no Python")
    assert names(discover(settings())) == []


def test_the_working_directory_comes_first_on_the_path(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "same_hooks.py").write_text(ONE.format("elsewhere"))
    (here / "same_hooks.py").write_text(ONE.format("here"))
    monkeypatch.setattr(sys, "path", [str(elsewhere), *sys.path, str(here)])
    assert names(discover(settings("same_hooks"))) == ["here"]
    assert sys.path[0] == str(here)
    before = list(sys.path)
    discover(settings("same_hooks"))
    assert sys.path == before


def test_a_module_in_a_package_is_found(here: Path) -> None:
    (here / "shop_hooks").mkdir()
    (here / "shop_hooks" / "billing.py").write_text(ONE.format("bill"))
    assert names(discover(settings("shop_hooks.billing"))) == ["bill"]


def test_a_named_package_without_a_router_brings_its_modules(here: Path) -> None:
    folder = here / "my_hooks"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "zebra.py").write_text(ONE.format("zebra"))
    (folder / "ant.py").write_text(ONE.format("ant"))
    (folder / "_parts.py").write_text("raise AssertionError")
    (folder / "test_ant.py").write_text("raise AssertionError")
    assert names(discover(settings("my_hooks"))) == ["ant", "zebra"]


def test_a_named_package_with_a_router_of_its_own_says_itself_what_it_brings(here: Path) -> None:
    folder = here / "own_hooks"
    folder.mkdir()
    (folder / "__init__.py").write_text(ONE.format("own"))
    (folder / "ant.py").write_text("raise AssertionError")
    assert names(discover(settings("own_hooks"))) == ["own"]


def test_a_module_may_register_with_the_router_of_another_one(here: Path, custom_folder: Path) -> None:
    (custom_folder / "ant.py").write_text(ONE.format("ant"))
    (custom_folder / "bee.py").write_text(
        "from handlers.custom import ant\n\n@ant.router.on('memory.stored')\ndef bee(event, ctx): ...\n"
    )
    assert names(discover(settings())) == ["ant", "bee"]


def test_every_router_of_a_module_counts_whatever_its_name(here: Path) -> None:
    (here / "two_hooks.py").write_text(ONE.format("one") + ONE.replace("router", "second").format("two"))
    assert names(discover(settings("two_hooks"))) == ["one", "two"]


def test_a_router_that_another_module_imports_is_included_once(here: Path) -> None:
    (here / "base_hooks.py").write_text(ONE.format("based"))
    (here / "more_hooks.py").write_text(
        "from base_hooks import router\nfrom base_hooks import router as again\n"
    )
    assert names(discover(settings("base_hooks", "more_hooks"))) == ["based"]
    assert names(discover(settings("more_hooks"))) == ["based"]


def test_a_router_included_in_another_is_no_clash(here: Path) -> None:
    (here / "inner_hooks.py").write_text(ONE.format("inner"))
    (here / "outer_hooks.py").write_text(
        "import inner_hooks\nfrom handlers import Router\nr = Router()\nr.include(inner_hooks.router)\n"
    )
    assert names(discover(settings("outer_hooks", "inner_hooks"))) == ["inner"]


def test_discovering_again_finds_the_same(here: Path) -> None:
    (here / "same_again_hooks.py").write_text(ONE.format("mine"))
    first = discover(settings("same_again_hooks", builtin=True))
    assert discover(settings("same_again_hooks", builtin=True)).handlers == first.handlers


def test_a_named_module_without_a_router_says_what_to_add(here: Path) -> None:
    (here / "bare_hooks.py").write_text("def explain(event, ctx): ...\n")
    with pytest.raises(NoRouter) as raised:
        discover(settings("bare_hooks"))
    assert "'bare_hooks'" in str(raised.value)
    assert str(here / "bare_hooks.py") in str(raised.value)
    assert "`router = Router()`" in str(raised.value)


def test_a_broken_custom_file_is_named_with_its_line(here: Path, custom_folder: Path) -> None:
    (custom_folder / "broken.py").write_text("\n\nimport missing_thing\n")
    with pytest.raises(HandlerModuleBroken) as raised:
        discover(settings())
    assert "'handlers.custom.broken'" in str(raised.value)
    assert f"{custom_folder / 'broken.py'}:3" in str(raised.value)


def test_a_name_clash_over_modules_gives_both_places(here: Path, custom_folder: Path) -> None:
    (custom_folder / "mine.py").write_text(ONE.format("same"))
    (here / "yours_hooks.py").write_text("\n" + ONE.format("same"))
    with pytest.raises(NameClash) as raised:
        discover(settings("yours_hooks"))
    assert f"{custom_folder / 'mine.py'}:4" in str(raised.value)
    assert f"{here / 'yours_hooks.py'}:5" in str(raised.value)
    assert isinstance(raised.value, HandlerError)


def work(event: object, ctx: object) -> None: ...


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("memory.created", "did you mean 'memory.updated'?"),
        ("zzz", f"the documented types are {', '.join(KNOWN_TYPES)}"),
    ],
)
def test_a_pattern_that_matches_no_known_type_is_warned_of(pattern: str, hint: str) -> None:
    router = Router()
    router.on("memory.stored", pattern)(work)
    (warning,) = warnings_for(router)
    assert hint in warning
    assert re.search(rf"'work' \({re.escape(__file__)}:\d+\) listens for {re.escape(repr(pattern))}", warning)


def test_a_pattern_that_was_said_to_be_right_gives_no_warning() -> None:
    router = Router()
    router.on("memory.stored")(work)
    router.on("memory.restored", "zzz", undocumented=True)(work)
    assert router.handlers[0].patterns == ("memory.stored", "memory.restored", "zzz")
    assert warnings_for(router) == ()
    router.on("yyy")(work)
    (warning,) = warnings_for(router)
    assert "'yyy'" in warning
    assert "undocumented=True" in warning


def test_known_patterns_give_no_warning() -> None:
    router = Router()
    router.on(*KNOWN_TYPES, "usage.*", "*")(work)
    assert warnings_for(router) == ()
