import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.waiting import wait_until
from workers.dry_run import parent
from workers.dry_run.messages import Findings, Trial
from workers.dry_run.parent import DryRunImpossible, Trials

CHECKOUT = Path(__file__).parents[3]
TRIALS = [Trial(event_id=f"evt_{number}", handler="h", timeout_seconds=30) for number in range(2)]
READY = """
import os, sys
fd = int(sys.argv[1])
os.write(fd, b'{"type":"ready"}\\n')
line = sys.stdin.readline()
os.write(fd, b'{"type":"began"}\\n')
"""
DONE = 'os.write(fd, b\'{"type":"findings","outcome":"done","milliseconds":1}\\n\')\n'


def findings(script: str, trials: list[Trial] = TRIALS) -> list[Findings]:
    with Trials([sys.executable, "-c", script]) as process:
        return [found for _, found in process.run(trials)]


def error_of(found: Findings) -> str:
    assert found.outcome == "crashed"
    assert found.error is not None
    return found.error.message


def test_a_process_that_ended_between_two_trials_is_started_anew() -> None:
    assert [found.outcome for found in findings(READY + DONE)] == ["done", "done"]


def test_a_process_that_dies_is_reported_and_the_next_trial_runs() -> None:
    script = READY + "if 'evt_0' in line: os._exit(7)\n" + DONE
    died, done = findings(script)
    assert error_of(died) == "the process ended with exit code 7 while this handler ran"
    assert done.outcome == "done"


def test_a_process_that_dies_before_it_took_the_trial_is_given_a_second_chance(tmp_path: Path) -> None:
    script = f"""
import os, sys
fd, mark = int(sys.argv[1]), {str(tmp_path / "mark")!r}
os.write(fd, b'{{"type":"ready"}}\\n')
sys.stdin.readline()
if not os.path.exists(mark):
    open(mark, "w")
    os._exit(7)
"""
    assert [found.outcome for found in findings(script + DONE, TRIALS[:1])] == ["done"]
    (found,) = findings(script.replace("if not", "if True or"), TRIALS[:1])
    assert "exit code 7" in error_of(found)


def test_what_it_said_last_counts_although_it_died() -> None:
    assert [found.outcome for found in findings(READY + DONE + "os._exit(7)")] == ["done", "done"]


def test_a_process_that_says_nothing_is_killed_after_the_handlers_time() -> None:
    (found,) = findings(
        READY + "import time; time.sleep(600)", [Trial(event_id="evt_0", handler="h", timeout_seconds=0.1)]
    )
    assert "was killed, because it took too long" in error_of(found)
    assert found.milliseconds > 2000


@pytest.fixture
def killed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow less than the 3 s in all that a handler has after its time."""
    monkeypatch.setattr(parent, "KILL_AFTER_SECONDS", 0.2)
    monkeypatch.setattr(parent, "_SLACK_SECONDS", 0.2)


@pytest.mark.usefixtures("killed_soon")
def test_it_may_ask_to_be_killed_earlier_and_never_later() -> None:
    early = READY + 'import time\nos.write(fd, b\'{"type":"kill_at","monotonic":1}\\n\')\ntime.sleep(600)'
    (found,) = findings(early, [Trial(event_id="evt_0", handler="h", timeout_seconds=600)])
    assert "took too long" in error_of(found)
    late = READY + 'import time\nos.write(fd, b\'{"type":"kill_at","monotonic":1e12}\\n\')\ntime.sleep(600)'
    (found,) = findings(late, [Trial(event_id="evt_0", handler="h", timeout_seconds=0.1)])
    assert "took too long" in error_of(found)


@pytest.mark.parametrize("garbage", [b"\xff\n", b"{}\n", b'{"type":"findings"}\n', b"[" * 100_000 + b"\n"])
def test_what_can_not_be_understood_is_a_crash(garbage: bytes) -> None:
    script = (
        READY + f"left = {garbage!r}\nwhile left: left = left[os.write(fd, left):]\n" + "sys.stdin.read()"
    )
    (found,) = findings(script, TRIALS[:1])
    assert "said what can't be understood" in error_of(found)


@pytest.mark.usefixtures("killed_soon")
def test_a_process_that_lives_on_after_it_closed_its_pipe_is_waited_for_and_killed() -> None:
    script = READY + "os.close(fd)\nimport time; time.sleep(600)"
    (found,) = findings(script, [Trial(event_id="evt_0", handler="h", timeout_seconds=0.1)])
    assert "took too long" in error_of(found)


def test_a_process_that_can_not_start_ends_the_run() -> None:
    with pytest.raises(DryRunImpossible, match="ended with exit code 3 before it had loaded the handlers"):
        findings("raise SystemExit(3)")


def test_what_a_handler_started_is_ended_with_the_process(tmp_path: Path) -> None:
    pids = tmp_path / "pid"
    script = READY + "import subprocess; child = subprocess.Popen(['sleep', '600'], pass_fds=(fd,))\n"
    script += f"open({str(pids)!r}, 'w').write(str(child.pid)); os._exit(7)"
    (found,) = findings(script, TRIALS[:1])
    assert "exit code 7" in error_of(found)
    wait_until(lambda: not is_running(int(pids.read_text())))


def test_the_process_ends_with_its_parent(tmp_path: Path) -> None:
    pids = tmp_path / "pid"
    program = (
        "import subprocess, sys, time, os\n"
        "code = 'import sys, threading, workers.dry_run.child as c; c._end_with(int(sys.argv[1]))'\n"
        "child = subprocess.Popen([sys.executable, '-c', code, str(os.getpid())], start_new_session=True)\n"
        f"open({str(pids)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(CHECKOUT)}
    )
    try:
        pid = wait_until(lambda: pids.exists() and pids.read_text())
        assert is_running(int(pid))
    finally:
        started.send_signal(signal.SIGKILL)
        started.wait()
    wait_until(lambda: not is_running(int(pid)), 45)


def is_running(pid: int) -> bool:
    listed = subprocess.run(
        ["ps", "-p", str(pid), "-o", "stat="], capture_output=True, text=True, check=False
    ).stdout
    return bool(listed.strip()) and not listed.startswith("Z")
