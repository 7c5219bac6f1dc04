"""Broken modules, and where they are broken."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from handlers import ownership
from handlers.errors import HandlerModuleBroken, WrongSignature
from handlers.loading import load, routers_of
from handlers.router import Router

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, modules_restored: None, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.syspath_prepend(str(tmp_path))

    def write_one(name: str, source: str) -> Path:
        file = tmp_path / f"{name}.py"
        file.write_text(source)
        return file

    return write_one


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        (
            "x = 1\nimport nowhere_to_be_found",
            2,
            "ModuleNotFoundError: No module named 'nowhere_to_be_found'",
        ),
        ("from handlers import Rooter", 1, "ImportError: cannot import name 'Rooter'"),
        ("x = 1\n\ndef f(:\n", 3, "SyntaxError"),
        ("if True:\nx = 1", 2, "IndentationError"),
        ("def f():\n    1 / 0\n\nf()", 2, "ZeroDivisionError: division by zero"),
        ("import json\nx = json.loads('{')", 2, "JSONDecodeError"),
        ("import sys\nsys.exit('stop')", 2, "SystemExit: stop"),
        ("raise BaseException('bare')", 1, "BaseException: bare"),
        ("from handlers import fixed\nfixed(-1)", 2, "ValueError: delay -1 is not between"),
    ],
)
def test_a_broken_module_is_named_with_file_line_and_error(
    write: Write, source: str, line: int, said: str
) -> None:
    file = write("broken_hooks", source)
    with pytest.raises(HandlerModuleBroken) as raised:
        load("broken_hooks")
    message = str(raised.value)
    assert "'broken_hooks'" in message
    assert f"{file}:{line}" in message
    assert said in message


def test_the_mistake_may_be_in_a_module_that_it_imports(write: Write) -> None:
    write("outer_hooks", "import inner_hooks")
    inner = write("inner_hooks", "x = 1\nundefined")
    with pytest.raises(HandlerModuleBroken) as raised:
        load("outer_hooks")
    assert "'outer_hooks'" in str(raised.value)
    assert f"{inner}:2: NameError" in str(raised.value)


def test_a_broken_module_that_is_installed_is_named_with_its_own_line(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write("installed_hooks", "import json\n\njson.loads('{')")
    monkeypatch.setattr(ownership, "_INSTALLED", (*ownership._INSTALLED, f"{tmp_path}/"))
    with pytest.raises(HandlerModuleBroken) as raised:
        load("installed_hooks")
    assert f"{file}:3: JSONDecodeError" in str(raised.value)


def test_code_of_ours_that_a_module_calls_is_not_to_blame(write: Write) -> None:
    file = write("calling_hooks", "from eventlog.database import EventLog\nEventLog.open('no://such')\n")
    with pytest.raises(HandlerModuleBroken) as raised:
        load("calling_hooks")
    assert f"{file}:2: InvalidDatabaseUrl" in str(raised.value)


@pytest.mark.parametrize("name", ["no_such_hooks", "no_such_hooks.inner", "good_hooks.inner"])
def test_a_module_that_is_not_there_is_told_from_a_broken_one(write: Write, name: str) -> None:
    write("good_hooks", "")
    with pytest.raises(HandlerModuleBroken, match=rf"there is no module '{name}'.*correct its name"):
        load(name)


def test_a_handler_error_speaks_for_itself(write: Write) -> None:
    file = write("wrong_hooks", "from handlers import Router\nr = Router()\n@r.on('*')\ndef f(event): ...\n")
    with pytest.raises(WrongSignature, match=rf"'f' \({file}:3\)"):
        load("wrong_hooks")


def test_an_interrupt_at_start_is_an_interrupt(write: Write) -> None:
    write("interrupted_hooks", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load("interrupted_hooks")


def test_a_module_mended_meanwhile_loads(write: Write) -> None:
    file = write("mended_hooks", "1 / 0")
    with pytest.raises(HandlerModuleBroken):
        load("mended_hooks")
    assert "mended_hooks" not in sys.modules
    file.write_text("from handlers import Router\nfirst = Router()\nsecond = Router()\nkind = Router\n")
    module = load("mended_hooks")
    assert routers_of(module) == [module.first, module.second]
    assert all(isinstance(router, Router) for router in routers_of(module))


def test_an_import_of_ones_own_package_named_handlers_is_explained(write: Write) -> None:
    write("mistaken_hooks", "from handlers.billing import bill")
    with pytest.raises(HandlerModuleBroken) as raised:
        load("mistaken_hooks")
    assert "No module named 'handlers.billing'" in str(raised.value)
    assert "`handlers` is chaozcode-hooks' package" in str(raised.value)
    write("unrelated_hooks", "from json import bill")
    with pytest.raises(HandlerModuleBroken) as raised:
        load("unrelated_hooks")
    assert "chaozcode-hooks" not in str(raised.value)
