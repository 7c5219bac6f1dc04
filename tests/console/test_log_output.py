"""What is logged comes out in its order and before a process ends, and nobody waits for whoever reads it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.log_output import HELD_LINES

DEADLINE_SECONDS = 30

PROGRAM = """
import atexit, logging, os, signal, sys
import structlog
from console.logs import configure_logs
from console.settings import OutputSettings

at_the_very_end = []
atexit.register(lambda: [each() for each in at_the_very_end])
configure_logs(OutputSettings.model_validate({"HOOKS_LOG_FORMAT": "text", "HOOKS_LOG_LEVEL": "info"}))
log = structlog.get_logger("receiver")

def say(word):
    os.write(2, word.encode() + b"\\n")
"""


@contextmanager
def running(program: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a program after what all have in common; nobody reads its output unless the test does."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM + program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def output_of(program: str) -> str:
    with running(program) as process:
        said, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert errors == ""
    return said


def verbs(said: str) -> list[str]:
    """Give each line's verb, or the line where it is no log line."""
    return [line.split("] ", 1)[1].split()[0] if "] " in line else line for line in said.splitlines()]


def heard(process: "subprocess.Popen[str]") -> str:
    """Wait for a word of the program's; the test's own time limit is the deadline."""
    assert process.stderr
    return process.stderr.readline().strip()


UNHEARD = """
for number in range(1000):
    log.info("line_{:06}".format(2 * number), why="x" * 100)
    if number % 2:
        log.warning("line_{:06}".format(2 * number + 1), why="x" * 100)
    else:
        logging.getLogger("library").warning("line_{:06}".format(2 * number + 1))
say("done")
"""


def test_while_nobody_reads_nobody_waits_and_what_was_held_comes_in_its_order() -> None:
    with running(f"{UNHEARD}sys.stdin.read()") as process:
        assert heard(process) == "done"
        said, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert verbs(said) == [f"line_{number:06}" for number in range(2000)]
    assert errors == ""


def test_a_process_that_nobody_reads_ends_as_it_should() -> None:
    with running(UNHEARD) as process:
        assert heard(process) == "done"
        assert process.wait(timeout=DEADLINE_SECONDS) == 0
        assert process.stderr
        assert process.stderr.read() == ""


def test_what_is_held_is_bounded_and_a_line_in_its_place_tells_how_much_was_lost() -> None:
    logged = HELD_LINES + 3000
    program = f"""
for number in range({logged}):
    log.info("line_{{:06}}".format(number), why="x" * 100)
say("done")
sys.stdin.read()
"""
    with running(program) as process:
        assert heard(process) == "done"
        said, _ = process.communicate(timeout=DEADLINE_SECONDS)
    (told,) = [line for line in said.splitlines() if " lines_lost " in line]
    assert "[warning  ]" in told
    lost = int(told.rpartition("lines=")[2])
    assert 0 < lost <= logged - HELD_LINES
    found = verbs(said)
    place = found.index("lines_lost")
    assert found == [
        *(f"line_{number:06}" for number in range(place)),
        "lines_lost",
        *(f"line_{number:06}" for number in range(place + lost, logged)),
    ]


def test_a_burst_of_more_than_may_be_held_loses_nothing_where_it_can_be_written(tmp_path: Path) -> None:
    program = f'for number in range({3 * HELD_LINES}): log.info("line")'
    output = tmp_path / "output"
    with output.open("w") as file:
        subprocess.run([sys.executable, "-c", PROGRAM + program], stdout=file, check=True)
    assert verbs(output.read_text()) == ["line"] * 3 * HELD_LINES


def test_what_could_not_be_written_is_counted_and_told_of_when_it_can() -> None:
    program = """
kept = os.dup(1)
full = os.open("/dev/full", os.O_WRONLY)
log.info("before")
log.warning("and_this")
os.dup2(full, 1)
log.info("lost")
log.warning("lost")
log.warning("lost")
os.dup2(kept, 1)
log.warning("after")
"""
    said = output_of(program)
    assert verbs(said) == ["before", "and_this", "lines_lost", "after"]
    assert "lines=3" in said


def test_a_reader_that_goes_away_costs_nothing_but_the_lines() -> None:
    program = f"sys.stdin.readline()\n{UNHEARD}sys.exit(7)"
    with running(program) as process:
        assert process.stdout
        assert process.stdin
        process.stdout.close()
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.wait(timeout=DEADLINE_SECONDS) == 7
        assert process.stderr
        assert process.stderr.read() == "done\n"


ENDS = {
    "exit": 'log.info("last"); sys.exit(0)',
    "the program's end": 'log.info("last")',
    "os._exit after a warning": 'log.info("one"); log.warning("last"); os._exit(0)',
    "a warning in a signal handler, which ends the process": """
def stop(*_):
    log.warning("last")
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
log.info("one")
os.kill(os.getpid(), signal.SIGTERM)
""",
    "SIGTERM": """
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
log.info("last")
os.kill(os.getpid(), signal.SIGTERM)
""",
    "an exit handler": 'atexit.register(log.info, "last")',
    "the last of all exit handlers": 'at_the_very_end.append(lambda: log.info("last"))',
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_what_is_logged_before_a_process_ends_is_put_out(end: str) -> None:
    assert verbs(output_of(end))[-1] == "last"


def test_what_a_process_of_multiprocessing_logs_before_it_ends_is_put_out() -> None:
    # granian makes the receiver's processes so, and they run no exit handlers.
    program = """
import multiprocessing

def run():
    configure_logs(OutputSettings())
    log.info("last")

process = multiprocessing.get_context("fork").Process(target=run)
process.start()
process.join()
"""
    assert verbs(output_of(program)) == ["last"]


def test_what_is_logged_before_a_crash_is_put_out() -> None:
    with running('log.info("last"); raise RuntimeError("it broke")') as process:
        said, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert verbs(said) == ["last"]
    assert "it broke" in errors


def test_a_fork_puts_out_its_own_lines_only_and_before_it_ends() -> None:
    program = """
log.info("before")
if (pid := os.fork()) == 0:
    log.info("child")
    logging.getLogger("library").warning("child_too")
    os._exit(0)
os.waitpid(pid, 0)
log.info("after")
"""
    assert verbs(output_of(program)) == ["before", "child", "child_too", "after"]


def test_threads_that_fork_at_once_leave_the_log_as_it_was() -> None:
    program = """
import threading

def fork():
    for _ in range(20):
        log.info("before")
        if (pid := os.fork()) == 0:
            os._exit(0)
        os.waitpid(pid, 0)

threads = [threading.Thread(target=fork) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
log.warning("last")
"""
    assert verbs(output_of(program)) == ["before"] * 80 + ["last"]


def test_while_nobody_reads_a_process_can_fork_and_no_line_is_doubled() -> None:
    program = f"""{UNHEARD}
if (pid := os.fork()) == 0:
    sys.exit(0)
say(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
sys.stdin.read()
"""
    with running(program) as process:
        assert (heard(process), heard(process)) == ("done", "0")
        said, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert verbs(said) == [f"line_{number:06}" for number in range(2000)]


def test_what_is_printed_before_a_line_comes_before_it() -> None:
    program = 'print("printed"); log.warning("one"); log.info("two"); print("too"); log.warning("three")'
    said = verbs(output_of(program))
    assert said[0] == "printed"
    assert sorted(said) == sorted(["printed", "one", "two", "too", "three"])


def test_lines_come_from_the_process_although_its_output_is_set_to_something_else() -> None:
    program = 'import io; sys.stdout = io.StringIO(); log.warning("one"); sys.stdout = None; log.info("two")'
    assert verbs(output_of(program)) == ["one", "two"]
