"""The Procfile on a twelve-factor host: honcho, PostgreSQL and a Redis from outside."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from eventlog.database import EventLog
from eventlog.detail import read_detail
from tests.servers.waiting import wait_until
from tests.system.marks import MODULE
from tests.system.sender import Sender
from tests.system.up import ROOT, environment, free_port

pytestmark = pytest.mark.without_tables

SECRET = "whsec_of_production"


def _procfile(folder: Path) -> dict[str, str]:
    """Give the Procfile's commands, run by this Python instead of the `hooks` on a host's PATH."""
    lines = [line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines()]
    commands = {
        name: command.replace("hooks ", f"{sys.executable} -m console ", 1) for name, command in lines
    }
    (folder / "Procfile").write_text(
        "".join(f"{name}: {each}\n" for name, each in commands.items() if name != "release")
    )
    return commands


@contextmanager
def _honcho(folder: Path, variables: dict[str, str]) -> Iterator[list[str]]:
    """Run the Procfile, two workers of it; gives the lines that are printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "honcho", "start", "--no-colour", "-c", "web=1,worker=2,clock=1"],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []

    def listen() -> None:
        assert process.stdout is not None
        lines.extend(iter(process.stdout.readline, ""))

    threading.Thread(target=listen, daemon=True).start()
    try:
        yield lines
        below = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        process.wait(60)
        wait_until(lambda: not any(each.is_running() and each.status() != "zombie" for each in below), 30)
    finally:
        if process.poll() is None:
            for each in psutil.Process(process.pid).children(recursive=True):
                each.kill()
            process.kill()


@pytest.mark.timeout(240)
def test_the_procfile_runs_events_and_ends_on_sigterm(
    tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    marks = tmp_path / "marks"
    marks.touch()
    (tmp_path / "marking.py").write_text(MODULE.format(path=str(marks)))
    port = free_port()
    variables = environment(
        tmp_path,
        DATABASE_URL=postgres_url.replace("postgresql://", "postgres://", 1),  # as hosts hand it out
        REDIS_URL=redis_url,
        PORT=str(port),
        CHAOZCODE_WEBHOOK_SECRET=f"{SECRET} whsec_the_old_one",
        HOOKS_HANDLERS="marking",
    )
    release = _procfile(tmp_path)["release"]
    for _ in range(2):
        subprocess.run(release, shell=True, cwd=tmp_path, env=variables, check=True, timeout=60)
    with _honcho(tmp_path, variables) as lines:
        for ready in ("receiver_ready", "worker_ready", "clock_ready"):
            try:
                wait_until(lambda ready=ready: any(ready in line for line in lines), 60)  # type: ignore[misc]
            except AssertionError:
                pytest.fail("".join(lines))
        new, old = Sender(port, SECRET), Sender(port, "whsec_the_old_one")
        new.send_all([f"evt_{number}" for number in range(50)])
        assert old.send("evt_signed_by_the_old_secret") == 202
        assert Sender(port, "whsec_unknown").send("evt_never") == 401
        ids = [*new.acknowledged, "evt_signed_by_the_old_secret"]
        wait_until(lambda: len(marks.read_text().splitlines()) >= len(ids), 60)
        log = EventLog.open(postgres_url)
        wait_until(
            lambda: all((detail := read_detail(log, each)) and detail.state == "done" for each in ids),
            30,
        )
        log.close()
    assert sorted(line.split()[0] for line in marks.read_text().splitlines()) == sorted(ids)
    assert SECRET not in "".join(lines)


@pytest.mark.parametrize("command", ["web", "worker", "clock"])
def test_a_process_without_its_tables_says_what_to_run(
    tmp_path: Path, command: str, postgres_url: str, redis_url: str
) -> None:
    variables = environment(
        tmp_path, DATABASE_URL=postgres_url, REDIS_URL=redis_url, CHAOZCODE_WEBHOOK_SECRET=SECRET
    )
    done = subprocess.run(
        _procfile(tmp_path)[command],
        shell=True,
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "hooks db upgrade" in done.stderr


def test_the_receiver_does_not_start_without_a_secret(tmp_path: Path, postgres_url: str) -> None:
    variables = environment(tmp_path, DATABASE_URL=postgres_url)
    (tmp_path / ".hooks").mkdir()
    (tmp_path / ".hooks" / "webhook-secret").write_text("whsec_for_development_only\n")
    done = subprocess.run(
        _procfile(tmp_path)["web"],
        shell=True,
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("hooks: CHAOZCODE_WEBHOOK_SECRET: is not set")
    assert done.stderr.count("\n") == 1
