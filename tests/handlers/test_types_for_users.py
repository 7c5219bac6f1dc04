"""What a user's type checker sees: of the package as it is installed, with mypy at its strictest."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from console.handlers.scaffold import text_of_handler, text_of_test
from eventlog.event import KNOWN_TYPES

ROOT = Path(__file__).parents[2]
_SHIPPED = ("clients", "console", "eventlog", "handlers", "receiver", "sandbox", "workers")

GOOD = """
from typing import Any, assert_type

from handlers import Context, Event, RetryLater, Router, Skip
from handlers.data import AgentFailed, MemoryStored
from handlers.testing import Run, make_event, run

router = Router()

@router.on("memory.stored", retries=3, timeout=10)
def remember(event: Event, ctx: Context) -> None:
    data: MemoryStored = event.data
    assert_type(data["tags"], list[str])
    assert_type(event.subject, str | None)
    undocumented = event.data["projectId"]  # not refused, and of any type
    ctx.log.info("seen", project=undocumented)

@router.on("agent.*")
def explain(event: Event, ctx: Context) -> str:
    data: AgentFailed = event.data
    answer = ctx.chucky.prompt("Why?")
    assert_type(answer.text, str)
    assert_type(ctx.once("agent", lambda: ctx.chaozcode.agents.get("a")), dict[str, Any])
    assert_type(ctx.once("ask", lambda: answer.text), str)
    if "status" not in data:
        raise Skip("without a status")
    assert_type(data["status"], str)
    assert_type(data.get("agentId"), str | None)
    raise RetryLater(60)

assert_type(run(remember, make_event("memory.stored", tags=[])), Run)
"""

UNREAD = """
[mypy-sqlalchemy.*]
follow_imports = skip
"""
"""Reading SQLAlchemy takes mypy most of the time, and no handler here has to do with it."""

WRONG = """
from handlers import Context, Event, Router
from handlers.data import MemoryStored

router = Router()

@router.on("memory.stored", retries="many")  # E: arg-type
def one(event: Event, ctx: Context) -> None:
    data: MemoryStored = event.data
    data["tgas"]  # E: typeddict-item
    event.subjekt  # E: attr-defined
    event.id = "evt_2"  # E: misc
    ctx.attempt + "1"  # E: operator

@router.on("memory.stored")  # E: type-var
def two(event: Event) -> None: ...
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the packages as a wheel would be into an environment of its own; gives its Python."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    for package in _SHIPPED:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, source)
    setup = "import setuptools; setuptools.setup()"
    subprocess.run(
        [sys.executable, "-c", setup, "-q", "build", "--build-lib", str(folder / "built")],
        cwd=source,
        capture_output=True,
        check=True,
        timeout=120,
    )
    venv.create(folder / "venv", with_pip=False)
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    shutil.copytree(folder / "built", packages, dirs_exist_ok=True)
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(dependencies))
    return folder / "venv" / "bin" / "python"


def test_each_package_that_is_installed_says_that_it_is_typed(installed: Path) -> None:
    (packages,) = installed.parents[1].glob("lib/python*/site-packages")
    assert [name for name in _SHIPPED if not (packages / name / "py.typed").exists()] == []


@pytest.mark.timeout(600)  # the first time, mypy reads all that the packages import
@pytest.mark.parametrize(
    "settings", [pytest.param(UNREAD, id="quick"), pytest.param("", id="whole", marks=pytest.mark.long)]
)
def test_good_handlers_pass_and_mistakes_are_found(installed: Path, tmp_path: Path, settings: str) -> None:
    (tmp_path / "mypy.ini").write_text(f"[mypy]\n{settings}")
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "wrong.py").write_text(WRONG)
    generated = tmp_path / "hooks_handlers"
    generated.mkdir()
    (generated / "__init__.py").touch()
    for number, event_type in enumerate((*KNOWN_TYPES, "*")):
        name = f"handler_{number}"
        (generated / f"{name}.py").write_text(text_of_handler(name, [event_type], undocumented=False))
        (generated / f"test_{name}.py").write_text(text_of_test(name, [event_type]))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--python-executable", str(installed)),
            *("--cache-dir", str(ROOT / ".mypy_cache" / "as_users"), "--no-error-summary", "--no-pretty"),
            *("good.py", "wrong.py", "hooks_handlers"),
        ],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    expected = {
        f"wrong.py:{number} {line.partition('# E: ')[2]}"
        for number, line in enumerate(WRONG.splitlines(), 1)
        if "# E: " in line
    }
    found = {
        f"{line.rsplit(': error:')[0]} {line.rpartition('[')[2].rstrip(']')}"
        for line in done.stdout.splitlines()
        if ": error:" in line
    }
    assert found == expected, done.stdout + done.stderr
