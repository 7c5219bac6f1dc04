"""A hundred copies of one event at one moment, over several receivers: one run, one first body."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from eventlog.tables import bodies, events
from tests.faults.stage import Stage, stage
from tests.faults.stream import many_at_once, post, signed

COPIES = 100
RECEIVERS = 3


@pytest.fixture
def running(tmp_path: Path, database_url: str, redis_url: str) -> Iterator[Stage]:
    with stage(tmp_path, database_url=database_url, redis_url=redis_url, HOOKS_LEASE_SECONDS="30") as it:
        it.start(receivers=RECEIVERS, workers=2)
        yield it


@pytest.mark.long_on_both(otherwise="postgresql")
def test_copies_at_one_moment(running: Stage) -> None:
    same = {"id": "evt_same", "type": "memory.stored", "data": {"memoryId": "m"}}
    others = [
        {"id": "evt_other", "type": "memory.stored", "data": {"memoryId": f"m{number % 10}"}}
        for number in range(COPIES)
    ]
    for number, batch in enumerate(([same] * COPIES, others)):
        tasks = [
            lambda place=place, event=event: post(running.ports[place % RECEIVERS], event, timeout_seconds=30)
            for place, event in enumerate(batch)
        ]
        with many_at_once(tasks) as answers:
            pass
        assert Counter(answers) == {202: 1, 200: COPIES - 1}, number
    ids = ["evt_same", "evt_other"]
    running.wait_until_settled(ids)
    running.assert_promise_kept(ids)
    assert running.effects.called() == {"evt_same": 1, "evt_other": 1}, "nothing was killed: one run"
    with running.log.read() as connection:
        for event_id, expected in (("evt_same", [same]), ("evt_other", others[:10])):
            row = connection.execute(select(events).where(events.c.id == event_id)).one()
            kept = {
                each.sha256: each.body
                for each in connection.execute(select(bodies).where(bodies.c.event_seq == row.seq))
            }
            assert row.seen == COPIES
            assert set(kept.values()) == {signed(event)[0] for event in expected}, "every body that differs"
            assert row.body_sha256 in kept, "the first of them"
            assert all(hashlib.sha256(body).digest() == digest for digest, body in kept.items())
            assert json.loads(kept[row.body_sha256])["id"] == event_id
