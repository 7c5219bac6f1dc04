"""Makes replays, and hands their events to the queue as the clock does."""

from collections.abc import Mapping, Sequence

from eventlog.database import EventLog
from eventlog.replay_feed import Fed, feed
from eventlog.replays import create
from eventlog.selection import Selection

EVERY = Selection()


def make_replay(
    log: EventLog,
    selection: Selection = EVERY,
    *,
    handlers: Sequence[str] = ("h",),
    only_failed: bool = False,
) -> int:
    """Make a replay for handlers that take every type."""
    return create(
        log,
        selection=selection,
        handlers={name: ["*"] for name in handlers},
        only_failed=only_failed,
        who="a test",
    )


def turn(log: EventLog, number: int, events: int = 10) -> Fed:
    return feed(log, number, turn=events, choose=choose)


def feed_all(log: EventLog, number: int, events: int = 10) -> list[str]:
    """Feed a replay to its end; give the ids of the events to send jobs for."""
    ids: list[str] = []
    while not (fed := turn(log, number, events)).finished:
        ids += fed.event_ids
    return [*ids, *fed.event_ids]


def choose(handlers: Mapping[str, Sequence[str]], event_type: str) -> list[str]:
    return [name for name, patterns in handlers.items() if "*" in patterns or event_type in patterns]
