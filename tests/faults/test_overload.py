"""Ten times more events than the disk can take: the excess is refused at once, the accepted is kept."""

import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select

from eventlog.tables import events
from tests.faults.flood import flood
from tests.faults.stage import stage
from tests.faults.stream import post
from tests.servers.waiting import wait_until

SLOW_DISK = """
import sys, time
from pathlib import Path
from eventlog.gate import WriteGate
gate = WriteGate(Path(sys.argv[1]), patience_seconds=60)
print("slow", flush=True)
while True:
    with gate.pass_through():
        time.sleep(0.5)
    time.sleep(0.001)
"""
SECONDS = 12
LONGEST_WAIT_SECONDS = 2.0
MEBIBYTE = 1024 * 1024


@contextmanager
def slow_disk(database: Path) -> Iterator[None]:
    """Let every commit wait for half a second, in which the disk is at something else."""
    with subprocess.Popen(
        [sys.executable, "-c", SLOW_DISK, str(database)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == b"slow\n"
        try:
            yield
        finally:
            other.kill()


@pytest.mark.alone
def test_the_excess_is_refused_at_once(tmp_path: Path, redis_url: str) -> None:
    database = tmp_path / "events.db"
    with stage(
        tmp_path,
        database_url=f"sqlite:///{database}",
        redis_url=redis_url,
        HOOKS_INTAKE_EVENTS="20",
        HOOKS_INTAKE_SECONDS=str(LONGEST_WAIT_SECONDS),
    ) as it:
        it.start(workers=0, clocks=0)
        receiver = it.of("receiver")[0]
        processes = [
            psutil.Process(receiver.process.pid),
            *psutil.Process(receiver.process.pid).children(recursive=True),
        ]

        def memory() -> int:
            return sum(process.memory_info().rss for process in processes)

        flood(it.ports[0], "before", seconds=2, connections=300)  # what a busy receiver needs anyway
        before = memory()
        with slow_disk(database):
            answers = flood(it.ports[0], "during", seconds=SECONDS, connections=300)
            grown = memory() - before
        wait_until(lambda: post(it.ports[0], {"id": "evt_after", "type": "memory.stored"}) == 202, 3)

        statuses = Counter(answer.status for answer in answers)
        accepted = [answer for answer in answers if answer.status == 202]
        refused = [answer.seconds for answer in answers if answer.status == 503]
        slowest = max(answer.seconds for answer in accepted)
        print(
            f"{len(answers) / SECONDS:.0f} a second sent, {statuses}, {grown / MEBIBYTE:.1f} MiB grown,"
            f" refused after {statistics.median(refused):.3f} s (median),"
            f" accepted after {slowest:.1f} s (longest)"
        )
        assert set(statuses) == {202, 503}
        assert len(answers) > 10 * len(accepted), "not overloaded: the test shows nothing"
        assert statistics.median(refused) < 0.5
        assert slowest < LONGEST_WAIT_SECONDS + 3
        assert grown < 48 * MEBIBYTE
        wanted = {answer.event_id for answer in accepted}
        with it.log.read() as connection:
            stored = set(connection.execute(select(events.c.id)).scalars())
            assert connection.execute(select(func.count()).select_from(events)).scalar_one() == len(stored)
        assert wanted <= stored
        it.assert_no_traceback()
