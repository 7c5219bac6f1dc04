"""A worker that was stopped until its lease was over: another ran its event, and it writes nothing more."""

from pathlib import Path

import psutil
import pytest

from tests.faults.stage import stage
from tests.faults.stream import post
from tests.servers.waiting import wait_until


# Its leases are short: beside other tests a worker can be late with its renewal.
@pytest.mark.alone
@pytest.mark.long_on_both(otherwise="postgresql")
def test_a_worker_that_goes_on_after_its_lease_writes_nothing(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    with stage(tmp_path, database_url=database_url, redis_url=redis_url) as it:
        it.start(workers=1)
        event = {"id": "evt_slow", "type": "memory.stored", "data": {"seconds": 1.5}}
        assert post(it.ports[0], event) == 202
        (mark,) = wait_until(it.effects.marks)
        (stopped,) = it.of("worker")
        processes = [psutil.Process(stopped.process.pid), psutil.Process(mark.pid)]
        for process in processes:
            process.suspend()
        it.killed_pids.add(mark.pid)

        it.add("worker")
        it.wait_until_settled(["evt_slow"])
        it.assert_promise_kept(["evt_slow"])
        settled = it.story("evt_slow")

        for process in processes:
            process.resume()
        stopped.process.wait_for("lease_lost", deadline_seconds=30)
        # It works on, and its next event is its own.
        for member in it.of("worker")[1:]:
            member.process.terminate()
            member.process.wait(30)
        assert post(it.ports[0], {"id": "evt_next", "type": "memory.stored"}) == 202
        wait_until(lambda: it.settled("evt_next"), 30)
        assert it.story("evt_slow") == settled
        calls = [(each.event, each.handler, each.pid == mark.pid) for each in it.effects.marks()]
        assert calls == [
            ("evt_slow", "mark", True),
            ("evt_slow", "mark", False),
            ("evt_slow", "write_ledger", False),
            ("evt_next", "mark", True),
            ("evt_next", "write_ledger", True),
        ]
        assert it.effects.ledger() == {"evt_slow": 1, "evt_next": 1}
