from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import text, update

from eventlog.database import EventLog
from eventlog.hold import Hold
from eventlog.leases import claim, new_lease
from eventlog.reconciliation.ailment import Ailment
from eventlog.reconciliation.mending import mend
from eventlog.reconciliation.of_events import OF_EVENTS
from eventlog.reconciliation.search import search
from eventlog.states import State
from eventlog.sweep import sweep
from eventlog.tables import events
from tests.eventlog.reconciliation.living import LEASE
from tests.eventlog.rows import event_row, make_event_due
from tests.eventlog.stored import accept, opened


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    with closing(opened(database_url)) as log:
        yield log


def ailment(name: str) -> Ailment:
    return next(each for each in OF_EVENTS if each.name == name)


def test_what_a_worker_claimed_since_it_was_found_is_left_alone(log: EventLog) -> None:
    accept(log, "taken", "left")
    make_event_due(log, "taken", "left")
    found = search(log, ailment("stranded"))
    claim(log, Hold(lease=new_lease(), replay=0), ["taken"], duration=LEASE)
    taken = event_row(log, "taken")
    assert [ill.name for ill in mend(log, ailment("stranded"), found)] == ["left"]
    assert event_row(log, "taken") == taken


def test_what_was_swept_since_it_was_found_is_left_alone(log: EventLog) -> None:
    accept(log, "evt_1")
    make_event_due(log, "evt_1")
    found = search(log, ailment("stranded"))
    assert sweep(log)
    assert mend(log, ailment("stranded"), found) == []


def test_what_was_mended_is_not_mended_again(log: EventLog) -> None:
    accept(log, "evt_1")
    make_event_due(log, "evt_1")
    found = search(log, ailment("stranded"))
    assert [ill.event_id for ill in mend(log, ailment("stranded"), found)] == ["evt_1"]
    row = event_row(log, "evt_1")
    assert mend(log, ailment("stranded"), found) == []
    assert event_row(log, "evt_1") == row


def test_what_nothing_can_mend_is_left_as_it_is(log: EventLog) -> None:
    accept(log, "evt_1")
    with log.write() as connection:
        connection.execute(text("DELETE FROM bodies"))
    found = search(log, ailment("no body"))
    assert len(found) == 1
    assert mend(log, ailment("no body"), found) == []


def test_what_another_transaction_works_on_is_passed_over(postgres_url: str) -> None:
    with closing(opened(postgres_url)) as log:
        accept(log, "free", "held")
        make_event_due(log, "free", "held")
        found = search(log, ailment("stranded"))
        with log.write() as connection:
            connection.execute(update(events).where(events.c.id == "held").values(seen=2))
            assert [ill.name for ill in mend(log, ailment("stranded"), found)] == ["free"]
        assert event_row(log, "held").state == State.QUEUED
        assert [ill.name for ill in mend(log, ailment("stranded"), found)] == ["held"]
