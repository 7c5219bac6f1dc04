"""The parent replaces its child when the reload file is written, and interrupts nothing by that."""

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from eventlog.database import EventLog
from tests.servers.waiting import wait_until
from workers.queue.redis_queue import EventQueue
from workers.settings import WorkerSettings
from workers.supervisor import Supervisor

_CHILD = """
import signal, sys, time
from pathlib import Path
from workers.page import Note, SharedPage

folder, page = Path(sys.argv[1]), SharedPage(int(sys.argv[2]))
number = len(list(folder.glob("child-*")))
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
(folder / f"child-{number}").touch()
page.write(Note(is_ready=True))
"""
_WORKS_ON_UNTIL_IT_MAY_GO = """
while not told or not (folder / "go").exists():
    time.sleep(0.01)
(folder / f"finished-{number}").touch()
"""

Supervise = Callable[[str], threading.Thread]


@pytest.fixture
def supervise(
    log: EventLog, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Supervise]:
    monkeypatch.setenv("HOOKS_LEASE_SECONDS", "3")
    monkeypatch.setenv("HOOKS_GRACE_SECONDS", "0")  # a stop would not wait; making room does
    monkeypatch.setenv("HOOKS_RELOAD_FILE", str(tmp_path / "reload"))
    queue = EventQueue.connect(redis_url)
    made: list[tuple[Supervisor, threading.Thread]] = []

    def run(program: str) -> threading.Thread:
        command = [sys.executable, "-c", _CHILD + program, str(tmp_path)]
        supervisor = Supervisor(log, queue, WorkerSettings(), command)
        thread = threading.Thread(target=supervisor.run)
        thread.start()
        made.append((supervisor, thread))
        return thread

    yield run
    for supervisor, thread in made:
        supervisor.stop()
        thread.join(20)
        assert not thread.is_alive()
    queue.close()


def test_a_child_ends_by_itself_and_another_one_takes_its_place(supervise: Supervise, tmp_path: Path) -> None:
    with capture_logs() as logs:
        supervise(_WORKS_ON_UNTIL_IT_MAY_GO)
        wait_until((tmp_path / "child-0").exists, 30)
        (tmp_path / "reload").write_text("1")
        (tmp_path / "reload").write_text("twice, while it makes room")
        (tmp_path / "go").touch()
        wait_until((tmp_path / "child-1").exists, 30)
        assert (tmp_path / "finished-0").exists()
        (tmp_path / "reload").write_text("again")
        wait_until((tmp_path / "child-2").exists, 30)
    assert [entry for entry in logs if entry["event"] == "worker_restarted"] == []


def test_a_crash_while_it_makes_room_is_a_crash(supervise: Supervise, tmp_path: Path) -> None:
    with capture_logs() as logs:
        supervise("import os\nwhile not told: time.sleep(0.01)\nos.kill(os.getpid(), 9)")
        wait_until((tmp_path / "child-0").exists, 30)
        (tmp_path / "reload").write_text("1")
        wait_until((tmp_path / "child-1").exists, 30)
    causes = [entry["cause"] for entry in logs if entry["event"] == "worker_restarted"]
    assert causes[0] == "was ended by SIGKILL"


def test_code_that_cannot_be_loaded_is_told_once_and_its_mend_is_waited_for(
    supervise: Supervise, tmp_path: Path
) -> None:
    with capture_logs() as logs:
        supervise("if number == 1: sys.exit(78)\nwhile not told: time.sleep(0.01)")
        wait_until((tmp_path / "child-0").exists, 30)
        (tmp_path / "reload").write_text("broken by now")
        wait_until(lambda: "worker_waits_for_a_mend" in [entry["event"] for entry in logs], 30)
        assert not (tmp_path / "child-2").exists()
        (tmp_path / "reload").write_text("it is mended")
        wait_until((tmp_path / "child-2").exists, 30)
    assert [entry["event"] for entry in logs] == ["worker_waits_for_a_mend"]
