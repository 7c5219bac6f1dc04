"""The plugin, in a project of a user's own."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from handlers.testing import Succeeded
from hooks_testkit import plugin

ROOT = Path(__file__).parents[2]

TESTS = """
import sys

ours = {"handlers", "eventlog", "workers", "receiver", "sqlalchemy", "redis", "structlog"}
loaded = ours & set(sys.modules)

from handlers import Router

router = Router()


@router.on("agent.failed", retries=1)
def explain(event, ctx):
    ctx.once("a", lambda: 1)
    if ctx.attempt == 1 and event.data.get("fails"):
        raise ValueError("no")


def test_the_plugin_loads_nothing_before_a_test_asks():
    assert not loaded


def test_make_event_and_run(make_event, run):
    assert run(explain, make_event("agent.failed")).error is None


def test_deliver(make_event, deliver):
    assert deliver(router, make_event("agent.failed")).state == "done"


def test_a_path(make_event, event_path):
    path = event_path(router)
    event = make_event("agent.failed", fails=True)
    assert path.deliver(event).state == "waiting"
    path.advance(seconds=5)
    assert path.look(event).state == "done"


def test_a_storm(make_event, storm):
    assert storm(router).kill(make_event("agent.failed")).times_called("explain") == 2


def test_that_fails(make_event, deliver):
    assert deliver(router, make_event("agent.failed", fails=True)).state == "done"
"""


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = (
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "hooks_testkit.plugin",
        "-p",
        "no:cacheprovider",
        *arguments,
    )
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_its_fixtures_serve_in_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(TESTS)
    done = pytest_in(tmp_path, "-q", "-W", "error")
    assert "1 failed, 5 passed" in done.stdout, done.stdout + done.stderr
    assert "test_that_fails - AssertionError" in done.stdout


def test_pytest_finds_it_by_an_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"chaozcode_hooks": plugin.__name__}


def test_the_fixtures_are_the_kits_own(run, make_event, storm) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert run(lambda event, ctx: None, make_event("ping")).outcome == Succeeded()
    assert storm.__module__ == "hooks_testkit.storm"
