"""`hooks handlers new`: what it writes works as it is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.handlers import handlers
from eventlog.event import KNOWN_TYPES
from handlers import custom
from handlers.discovery import discover
from handlers.settings import HandlerSettings
from tests.system.up import ROOT

NEW = Path("hooks_handlers")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a user's empty project."""
    for variable in ("HOOKS_HANDLERS", "HOOKS_BUILTIN_HANDLERS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new(*arguments: str) -> Result:
    return CliRunner().invoke(handlers, ["new", *arguments])


def pytest_says(folder: Path, *arguments: str) -> str:
    """Run a plain pytest, which knows nothing of our settings; gives what it says."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("pytest")), "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_writes_a_handler_and_a_test_and_says_what_to_do_next(here: Path) -> None:
    result = new("explain", "--on", "agent.failed")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in NEW.iterdir()) == ["__init__.py", "explain.py", "test_explain.py"]
    assert "Wrote hooks_handlers/explain.py, and hooks_handlers/test_explain.py" in result.output
    assert "  HOOKS_HANDLERS=hooks_handlers\n" in result.output
    assert "  pytest hooks_handlers/test_explain.py\n" in result.output
    assert "  hooks trigger agent.failed\n" in result.output
    assert "data: AgentFailed = event.data" in (NEW / "explain.py").read_text()


def test_all_that_it_writes_passes_and_is_formatted(here: Path) -> None:
    for number, event_type in enumerate((*KNOWN_TYPES, "memory.*", "*", "order.placed", "order.*")):
        assert new(f"handler_{number}", "--on", event_type).exit_code == 0
    assert new("several", *(f"--on={known}" for known in KNOWN_TYPES)).exit_code == 0
    assert "13 passed" in pytest_says(here)
    for tool in (
        ["ruff", "format", "--isolated", "--check"],
        ["ruff", "check", "--isolated", "--select=E,F,I,B,UP,ANN"],
    ):
        done = subprocess.run([sys.executable, "-m", *tool, "."], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.usefixtures("modules_forgotten")
def test_what_it_writes_is_found_where_it_says(here: Path) -> None:
    new("first", "--on", "memory.stored")
    new("second", "--on", "agent.*")
    router = discover(HandlerSettings(modules=("hooks_handlers",), builtin=False))
    assert [handler.name for handler in router.handlers] == ["first", "second"]


@pytest.fixture
def modules_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in sys.modules if name.startswith("hooks_handlers")]:
        monkeypatch.delitem(sys.modules, name)


def test_in_a_checkout_it_goes_into_the_custom_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = here / "handlers" / "custom"
    folder.mkdir(parents=True)
    monkeypatch.setattr(custom, "__path__", [str(folder)])
    result = new("explain", "--on", "agent.failed")
    assert result.exit_code == 0
    assert (folder / "explain.py").exists()
    assert (folder / "test_explain.py").exists()
    assert "HOOKS_HANDLERS" not in result.output
    assert not NEW.exists()


def test_a_test_in_the_custom_folder_passes_with_the_projects_own_settings(here: Path) -> None:
    clone = here / "clone"
    for package in ("clients", "eventlog", "handlers"):
        shutil.copytree(ROOT / package, clone / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", clone)
    new("explain", "--on", "agent.failed")
    for name in ("explain.py", "test_explain.py"):
        shutil.copy(NEW / name, clone / "handlers" / "custom" / name)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "pytest_timeout", "handlers"],
        cwd=clone,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_what_is_set_already_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_HANDLERS", "billing.hooks")
    assert "  HOOKS_HANDLERS=billing.hooks,hooks_handlers\n" in new("one", "--on", "*").output
    monkeypatch.setenv("HOOKS_HANDLERS", "hooks_handlers")
    result = new("two", "--on", "*")
    assert "Wrote" in result.output
    assert "HOOKS_HANDLERS" not in result.output


@pytest.mark.parametrize("there", ["explain.py", "test_explain.py"])
def test_nothing_is_overwritten(there: str) -> None:
    NEW.mkdir()
    (NEW / there).write_text("mine")
    result = new("explain", "--on", "agent.failed")
    assert result.exit_code == 1
    assert f"hooks_handlers/{there} is there already" in result.output
    assert [path.name for path in NEW.iterdir()] == [there]
    assert (NEW / there).read_text() == "mine"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "two words",
        "a-b",
        "../up",
        "9lives",
        "class",
        "match",
        "_part",
        "test_it",
        "é",
        "event",
        "x" * 101,
    ],
)
def test_a_name_that_is_none_is_refused(name: str) -> None:
    result = new(name, "--on", "agent.failed")
    assert result.exit_code == 2
    assert repr(name) in result.output
    assert not NEW.exists()


def test_a_name_that_is_registered_already_is_refused() -> None:
    result = new("log_event", "--on", "agent.failed")
    assert result.exit_code == 1
    assert "log_event.py:" in result.output
    assert not NEW.exists()


@pytest.mark.parametrize(
    ("pattern", "words"), [("memory.stord", "'memory.stored'"), ("memory*", "not a pattern")]
)
def test_a_wrong_pattern_is_refused(pattern: str, words: str) -> None:
    result = new("explain", "--on", pattern)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())
    assert not NEW.exists()


def test_a_pattern_that_is_right_all_the_same_is_written_as_such() -> None:
    assert new("explain", "--on", "memory.restored", "--undocumented").exit_code == 0
    assert '@router.on("memory.restored", undocumented=True)' in (NEW / "explain.py").read_text()


def test_a_pattern_is_needed() -> None:
    assert new("explain").exit_code == 2


def test_a_folder_that_cannot_be_written_is_told(here: Path) -> None:
    NEW.touch()
    result = new("explain", "--on", "agent.failed")
    assert result.exit_code == 1
    assert "hooks_handlers" in result.output
