"""`hooks receiver` when it can't start: one clear line, and an exit code that is not 0."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from eventlog.database import EventLog
from eventlog.schema import upgrade
from receiver.port import PortTaken, require_port
from tests.receiver.running_door import ROOT, SECRET, free_port


def start(**environment: str) -> tuple[int, list[str]]:
    """Run `hooks receiver` to its end; give its exit code and what it said."""
    variables = {
        "PYTHONPATH": str(ROOT),
        "HOOKS_HOST": "127.0.0.1",
        "PORT": str(free_port()),
        "CHAOZCODE_WEBHOOK_SECRET": SECRET.decode(),
        **environment,
    }
    done = subprocess.run(
        [sys.executable, "-m", "console", "receiver"],
        env=variables,
        cwd=Path(environment.get("HOOKS_HOME", "/")),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).splitlines()


@pytest.fixture
def home(tmp_path: Path) -> str:
    """Return a home folder with a log that has its tables."""
    log = EventLog.open(f"sqlite:///{tmp_path / 'events.db'}")
    upgrade(log)
    log.close()
    return str(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CHAOZCODE_WEBHOOK_SECRET", "", "set"),
        ("CHAOZCODE_WEBHOOK_SECRET", " \t ", "signing secret"),
        ("CHAOZCODE_WEBHOOK_SECRET", "hunter2", "at least 8 characters"),
        ("CHAOZCODE_WEBHOOK_SECRET", "long_enough_1 hunter2", "at least 8 characters"),
        ("PORT", "eighty", "'eighty' was given"),
        ("PORT", "70000", "'70000' was given"),
        ("HOOKS_BODY_SECONDS", "0", "greater than 0"),
        ("HOOKS_MAX_BODY_BYTES", "1", "1024"),
        ("DATABASE_URL", "mysql://me:hunter2@host/name", "not supported"),
        ("DATABASE_URL", "hunter2", "no database URL"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line_that_names_it(
    home: str, name: str, value: str, words: str
) -> None:
    code, lines = start(HOOKS_HOME=home, **{name: value})
    assert (code, len(lines)) == (2, 1), lines
    assert name in lines[0]
    assert words in lines[0]
    assert "hunter2" not in lines[0]


def test_a_port_in_use_is_told_in_one_line(home: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, lines = start(HOOKS_HOME=home, PORT=str(port))
    assert (code, len(lines)) == (1, 1), lines
    assert f"127.0.0.1:{port}" in lines[0]
    assert "PORT" in lines[0]


def test_a_host_that_is_not_here_is_told_in_one_line(home: str) -> None:
    code, lines = start(HOOKS_HOME=home, HOOKS_HOST="192.0.2.1")
    assert (code, len(lines)) == (1, 1), lines
    assert "HOOKS_HOST" in lines[0]


def test_a_log_without_tables_is_told_in_one_line_with_what_to_do(tmp_path: Path) -> None:
    code, lines = start(HOOKS_HOME=str(tmp_path))
    assert (code, len(lines)) == (1, 1), lines
    assert "hooks db upgrade" in lines[0]


def test_a_free_port_is_not_held_and_a_taken_one_is_told() -> None:
    port = free_port()
    require_port("127.0.0.1", port)
    require_port("127.0.0.1", port)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken, match=f"127.0.0.1:{port}"):
        require_port("127.0.0.1", port)
    with pytest.raises(PortTaken, match=r"no\.such\.host\.invalid"):
        require_port("no.such.host.invalid", port)
