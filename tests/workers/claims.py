"""Claims of events in a real log, for tests that play the worker themselves."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from eventlog.database import EventLog
from eventlog.hold import ORIGINAL_RUN, Hold
from eventlog.leases import Claimed, claim, new_lease
from eventlog.outcome import Closing, Failure, Result
from eventlog.states import State
from eventlog.sweep import sweep
from eventlog.tables import deliveries, events
from tests.eventlog.stored import accept
from workers.batch import Batch

LONG = timedelta(seconds=30)


def claim_some(log: EventLog, *ids: str) -> Batch:
    """Accept events and claim them."""
    accept(log, *ids)
    return claim_batch(log, ids)


def claim_batch(log: EventLog, ids: Sequence[str], *, replay: int = ORIGINAL_RUN) -> Batch:
    hold = Hold(lease=new_lease(), replay=replay)
    return Batch(hold, claim(log, hold, ids, duration=LONG))


def claim_one(log: EventLog, event_id: str, *, replay: int = ORIGINAL_RUN) -> Claimed:
    (claimed,) = claim(log, Hold(lease=new_lease(), replay=replay), [event_id], duration=LONG)
    return claimed


def a_result(seq: int, state: State = State.DONE, *, handler: str = "h", failure: bool = False) -> Result:
    return Result(
        seq=seq,
        handler=handler,
        attempt=1,
        failures=int(failure),
        state=state,
        started_at=datetime.now(UTC),
        duration=timedelta(milliseconds=1),
        retry_in=timedelta(0) if state is State.WAITING else None,
        failure=Failure(error_type="E", message="m", traceback="t", fingerprint="f") if failure else None,
    )


def closing(seq: int, event_id: str, state: State = State.DONE) -> Closing:
    return Closing(seq=seq, event_id=event_id, state=state)


def make_due(log: EventLog) -> None:
    """Let all retries be due, and all leases be over."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    with log.write() as connection:
        for table in (events, deliveries):
            connection.execute(update(table).where(table.c.due_at.isnot(None)).values(due_at=past))


def expire_leases(log: EventLog) -> None:
    """Let every lease run out, and the sweeper take notice."""
    make_due(log)
    sweep(log)
