"""A log with events in it, and a clock and a worker played by the test."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from eventlog import leases
from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.event import Event
from eventlog.heartbeats import beat
from eventlog.hold import Hold
from eventlog.outcome import Closing, Failure, Result
from eventlog.replay_feed import feed
from eventlog.replays import ReplayState, read_replays
from eventlog.settlement import settle
from eventlog.states import State, summarise
from handlers.pattern import matches

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
LEASE = timedelta(minutes=1)


def store(log: EventLog, *ids: str, kind: str = "memory.stored", at: datetime = NOON) -> None:
    body = json.dumps({"type": kind}).encode()
    record(log, [Event(id=event_id, type=kind, received_at=at, body=body) for event_id in ids])


def run(log: EventLog, outcomes: Mapping[str, State], *ids: str, replay: int = 0) -> None:
    """Let the handlers end as given, where they are due; in the original run that ends the events too."""
    hold = Hold(lease=leases.new_lease(), replay=replay)
    claimed = leases.claim(log, hold, ids, duration=LEASE)
    due = [
        (event.seq, handler)
        for event in claimed
        for handler in outcomes
        if replay == 0 or handler in {prior.handler for prior in event.prior if prior.is_due}
    ]
    settle(
        log,
        hold,
        results=[_result(seq, handler, outcomes[handler]) for seq, handler in due],
        closings=[
            Closing(seq=event.seq, event_id=event.event.id, state=summarise(list(outcomes.values())))
            for event in claimed
        ]
        if replay == 0
        else [],
    )


def _result(seq: int, handler: str, state: State) -> Result:
    failed = state in (State.DEAD, State.WAITING)
    return Result(
        seq=seq,
        handler=handler,
        attempt=1,
        failures=int(failed),
        state=state,
        started_at=NOON,
        duration=timedelta(milliseconds=5),
        retry_in=timedelta(hours=1) if state is State.WAITING else None,
        failure=Failure(error_type="KeyError", message="'colour'\nand more", traceback="", fingerprint="f")
        if failed
        else None,
    )


def choose(handlers: Mapping[str, Sequence[str]], event_type: str) -> list[str]:
    return [
        name
        for name, patterns in handlers.items()
        if any(matches(pattern, event_type) for pattern in patterns)
    ]


def feed_all(log: EventLog) -> dict[int, list[str]]:
    """Hand out all running replays as the clock would; return the ids that jobs are to be sent for."""
    return {
        replay.id: list(feed(log, replay.id, turn=1000, choose=choose).event_ids)
        for replay in read_replays(log, state=ReplayState.RUNNING)
    }


def beat_all(log: EventLog) -> None:
    for kind in ("clock", "worker"):
        beat(log, name=f"a {kind}", kind=kind)
