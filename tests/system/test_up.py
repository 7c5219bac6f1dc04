"""`hooks up` as a person uses it: start, send, look, kill things, stop."""

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.waiting import wait_until
from tests.system.up import Up, up


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Give one that runs, for all tests that leave it running."""
    with up(tmp_path_factory.mktemp("up")) as it:
        it.start()
        yield it


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Up]:
    with up(tmp_path) as it:
        yield it


def test_it_tells_how_to_send_a_first_event_and_shows_its_way(running: Up) -> None:
    assert running.says(running.url)
    assert running.says("hooks trigger memory.stored")
    assert running.says("sandbox", "off")
    assert "202 accepted" in running.hooks("trigger", "memory.stored", "--id", "evt_1")
    running.wait_for("received", "evt_1", "memory.stored")
    running.wait_for("ran", "evt_1", "log_event", "done")
    running.wait_for("settled", "evt_1", "done")
    running.hooks("trigger", "memory.stored", "--id", "evt_1")
    running.wait_for("received", "evt_1", "again")
    assert "401" in running.hooks("trigger", "memory.stored", "--bad-signature")
    running.wait_for("refused", "401", "UNAUTHORIZED", "req_")
    running.hooks("trigger", "something.new", "--id", "evt_2")
    running.wait_for("settled", "evt_2", "unhandled")
    shown = json.loads(running.hooks("events", "show", "evt_1", "--json"))
    assert (shown["state"], shown["seen"]) == ("done", 2)
    assert "no problems" in running.hooks("doctor")


def test_a_secret_that_is_changed_in_a_file_is_taken_up(running: Up) -> None:
    env = running.folder / ".env"
    env.write_text("CHAOZCODE_WEBHOOK_SECRET='quite_another_secret and_an_older_one'\n")
    running.wait_for("receiver", "secrets_changed", "accepted=2")
    assert "202 accepted" in running.hooks("trigger", "memory.stored", "--id", "evt_by_another_secret")
    running.lines.clear()
    env.unlink()
    running.wait_for("receiver", "secrets_changed", "accepted=1")
    assert "202 accepted" in running.hooks("trigger", "memory.stored", "--id", "evt_by_the_first_secret")


def test_ctrl_c_stops_all_of_it_and_a_second_start_finds_the_events(stopped: Up) -> None:
    stopped.start()
    stopped.hooks("trigger", "memory.stored", "--id", "evt_kept")
    stopped.wait_for("settled", "evt_kept")
    assert stopped.interrupt() == 0
    assert stopped.lines[-1].endswith("stopped")
    assert stopped.left_over() == []
    stopped.start()
    assert "evt_kept" in stopped.hooks("events", "list")
    assert "200 duplicate" in stopped.hooks("trigger", "memory.stored", "--id", "evt_kept")
    stopped.kill()  # and nothing is left behind then either, Valkey included
    wait_until(lambda: not stopped.left_over(), 40)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("console receiver", "receiver"),
        ("console worker", "worker"),
        ("console clock", "clock"),
        ("valkey-server", "valkey"),
    ],
)
def test_a_process_that_is_killed_is_started_again(running: Up, command: str, name: str) -> None:
    running.lines.clear()
    running.find(command).kill()
    running.wait_for(name, "started again")
    running.lines.clear()  # under load it may still have told of its first start
    if name != "valkey":
        running.wait_for(f"{name}  ", "ready")
    running.hooks("trigger", "memory.stored", "--id", f"evt_after_{name}")
    running.wait_for("settled", f"evt_after_{name}", "done")


def test_it_runs_in_a_folder_of_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "a folder = 100% é"
    folder.mkdir()
    with up(folder) as it:
        it.start()
        it.hooks("trigger", "memory.stored", "--id", "evt_1")
        it.wait_for("settled", "evt_1", "done")


def test_a_port_in_use_is_told_in_one_line(stopped: Up) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", stopped.port))
        taken.listen()
        stopped.launch()
        assert stopped.wait() == 1
    assert len(stopped.lines) == 1
    assert str(stopped.port) in stopped.lines[0]
    assert "PORT" in stopped.lines[0]


def test_a_port_of_the_sandbox_in_use_is_told_in_one_line(stopped: Up) -> None:
    stopped.with_sandbox = True
    with socket.create_server(("127.0.0.1", stopped.sandbox_port)):
        stopped.launch()
        assert stopped.wait() == 1
    (line,) = stopped.lines
    assert f":{stopped.sandbox_port}: Address already in use" in line
    assert "HOOKS_SANDBOX_PORT" in line
    assert "--no-sandbox" in line


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a_file").touch()  # even root can't make a folder in a file
    with up(tmp_path, HOOKS_HOME=str(tmp_path / "a_file" / "home")) as it:
        it.launch()
        assert it.wait() == 1
        assert len(it.lines) == 1
        assert "HOOKS_HOME" in it.lines[0]


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("PORT", "eighty", "integer"),
        ("HOOKS_LEASE_SECONDS", "1", "3"),
        ("DATABASE_URL", "mysql://user:hunter22@host/db", "postgresql"),
        ("REDIS_URL", "http://x", "redis://"),
        ("HOOKS_LOG_LEVEL", "loud", "warning"),
        ("CHAOZCODE_WEBHOOK_SECRET", "short", "8"),
    ],
)
def test_a_wrong_variable_is_told_in_one_line(tmp_path: Path, variable: str, value: str, words: str) -> None:
    with up(tmp_path, **{variable: value}) as it:
        it.launch()
        assert it.wait() == 2
        assert len(it.lines) == 1, it.printed()
        assert it.lines[0].startswith(f"hooks: {variable}: ")
        assert words in it.lines[0]
        assert "hunter22" not in it.lines[0]


def test_two_in_one_folder_are_one_too_many(running: Up) -> None:
    with up(running.folder) as second:
        second.launch()
        assert second.wait() == 1
        assert len(second.lines) == 1
        assert "runs already" in second.lines[0]


def test_handlers_that_can_not_be_loaded_end_the_start_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "broken_handlers.py").write_text("from handlers import Router\n\nrouter = Rooter()\n")
    with up(tmp_path, HOOKS_HANDLERS="broken_handlers") as it:
        it.launch()
        assert it.wait() == 1
        assert it.says("broken_handlers", "line 3") or it.says("broken_handlers.py:3"), it.printed()
        assert it.says("Rooter")


def test_the_log_survives_with_a_queue_that_was_wiped(running: Up) -> None:
    worker = running.find("console worker")
    worker.send_signal(signal.SIGSTOP)
    child = running.find("console.worker_child")
    child.send_signal(signal.SIGSTOP)
    running.hooks("trigger", "project.updated", "--count", "20")
    running.find("valkey-server").kill()
    for process in (running.folder / ".hooks" / "valkey").rglob("*.aof"):
        process.unlink()
    child.send_signal(signal.SIGCONT)
    worker.send_signal(signal.SIGCONT)

    def done() -> bool:
        found = json.loads(
            running.hooks("events", "list", "--type", "project.updated", "--state", "done", "--json")
        )
        return len(found["events"]) == 20

    wait_until(done, 60, every_seconds=0.3)  # each look is a process


def test_ctrl_c_while_it_starts_stops_it_too(stopped: Up) -> None:
    stopped.launch()
    stopped.find("console receiver")
    assert stopped.interrupt() == 0
    assert stopped.lines[-1].endswith("stopped")
    assert stopped.left_over() == []
