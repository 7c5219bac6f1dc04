"""Fills a real log for tests, by the same steps that a receiver and a worker take."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, update

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.event import Event
from eventlog.hold import ORIGINAL_RUN, Hold
from eventlog.leases import claim, new_lease
from eventlog.open_transactions import ANNOUNCEMENT
from eventlog.outcome import Closing, Failure, Result
from eventlog.replay_feed import feed
from eventlog.replays import create
from eventlog.schema import upgrade
from eventlog.selection import Selection
from eventlog.settlement import settle
from eventlog.states import State
from eventlog.tables import events

BODY = b'{"id": "evt_1", "type": "memory.stored", "data": {"memoryId": "m1"}}'


def opened(url: str) -> EventLog:
    """Open a log and make its tables."""
    log = EventLog.open(url)
    upgrade(log)
    return log


def an_event(
    event_id: str,
    event_type: str = "memory.stored",
    *,
    subject: str | None = None,
    body: bytes = BODY,
    age: timedelta = timedelta(0),
) -> Event:
    return Event(
        id=event_id,
        type=event_type,
        subject=subject,
        created_at=datetime(2026, 1, 30, 12, tzinfo=UTC),
        received_at=datetime.now(UTC) - age,
        body=body,
    )


def accept(log: EventLog, *ids: str) -> None:
    """Accept events one after the other, so that their seqs follow the order of their ids here."""
    for event_id in ids:
        record(log, [an_event(event_id)])


def run(
    log: EventLog,
    event_id: str,
    states: dict[str, State],
    *,
    in_replay: int = ORIGINAL_RUN,
    message: str = "no such agent",
    traceback: str = 'Traceback (most recent call last):\n  File "x.py", line 3, in f\nValueError\n',
    age: timedelta = timedelta(0),
    note: str | None = None,
) -> None:
    """Run an event's handlers once, each ending in the state given."""
    hold = Hold(lease=new_lease(), replay=in_replay)
    (claimed,) = claim(log, hold, [event_id], duration=timedelta(seconds=30))
    failure = Failure(error_type="ValueError", message=message, traceback=traceback, fingerprint="f1")
    results = [
        Result(
            seq=claimed.seq,
            handler=handler,
            attempt=1,
            failures=int(state is State.DEAD),
            state=state,
            started_at=datetime.now(UTC) - age,
            duration=timedelta(milliseconds=12),
            retry_in=timedelta(minutes=5) if state is State.WAITING else None,
            version="abc123",
            note=note,
            failure=failure if state is State.DEAD else None,
        )
        for handler, state in states.items()
    ]
    closing = Closing(seq=claimed.seq, event_id=event_id, state=_summary(list(states.values())))
    settle(
        log,
        hold,
        results=results,
        closings=[closing] if in_replay == ORIGINAL_RUN else [],
    )


def replay(log: EventLog, event_id: str, handler: str) -> int:
    """Make a replay of one event for one handler, and its delivery."""
    replay_id = create(log, selection=Selection(ids=(event_id,)), handlers={handler: ["*"]}, who="a test")
    feed(log, replay_id, turn=10, choose=lambda handlers, _: list(handlers))
    return replay_id


@contextmanager
def open_intake(log: EventLog, event: Event) -> Iterator[None]:
    """Hold a transaction open that has inserted the event, and commit it at the end of the block."""
    with log.write() as connection:
        connection.exec_driver_sql(f"SELECT {ANNOUNCEMENT} FROM events_seq_seq")
        connection.execute(
            insert(events).values(
                id=event.id,
                type=event.type,
                received_at=event.received_at,
                body_sha256=hashlib.sha256(event.body).digest(),
                state=State.QUEUED,
                due_at=event.received_at,
            )
        )
        yield


def make_overdue(log: EventLog, ids: Sequence[str], by: timedelta) -> None:
    """Set back what the events are due at, as if nothing had looked at them since."""
    with log.write() as connection:
        connection.execute(update(events).where(events.c.id.in_(ids)).values(due_at=datetime.now(UTC) - by))


def _summary(states: list[State]) -> State:
    return next(state for state in (State.WAITING, State.DEAD, State.DONE, State.SKIPPED) if state in states)
