"""Fills a log with runs by versions of code, that failed in ways that a test names."""

from datetime import UTC, datetime, timedelta

from eventlog.database import EventLog
from eventlog.hold import ORIGINAL_RUN, Hold
from eventlog.leases import claim, new_lease
from eventlog.outcome import Closing, Failure, Result
from eventlog.settlement import settle
from eventlog.states import State

OLD, NEW = "aaaaaa111111", "bbbbbb222222"
BOOM, OTHER = "00000000000000b0", "00000000000000c0"


def ran(  # noqa: PLR0913 - what a test says of a run, each by its name
    log: EventLog,
    event_id: str,
    state: State,
    *,
    handler: str = "h",
    version: str | None = OLD,
    release: str | None = None,
    fingerprint: str = BOOM,
    replay: int = ORIGINAL_RUN,
    message: str = "no such agent",
    attempt: int = 1,
    ended: timedelta = timedelta(0),
) -> None:
    """Let a handler's next attempt at an event end so; in the original run that ends the event too."""
    hold = Hold(lease=new_lease(), replay=replay)
    (claimed,) = claim(log, hold, [event_id], duration=timedelta(seconds=30))
    failed = state in (State.DEAD, State.WAITING)
    result = Result(
        seq=claimed.seq,
        handler=handler,
        attempt=attempt,
        failures=int(failed),
        state=state,
        started_at=datetime.now(UTC) - ended,
        duration=timedelta(milliseconds=5),
        retry_in=timedelta(minutes=5) if state is State.WAITING else None,
        version=version,
        release=release,
        failure=Failure(
            error_type="ValueError", message=message, traceback="Traceback: ...\n", fingerprint=fingerprint
        )
        if failed
        else None,
    )
    closings = [Closing(seq=claimed.seq, event_id=event_id, state=state)] if replay == ORIGINAL_RUN else []
    settle(log, hold, results=[result], closings=closings)
