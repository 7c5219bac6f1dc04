"""What a person does about an event with `hooks replay` and `hooks events resolve`."""

from eventlog.database import EventLog
from eventlog.replays import Replay, create, read_replay
from eventlog.resolution import resolve
from eventlog.selection import Selection
from handlers import Router

_WHO = "a test"


class NothingToReplay(Exception):  # noqa: N818 - named for what happened
    """The replay gave the event to no handler."""


class NothingToResolve(Exception):  # noqa: N818
    """None of the event's deliveries is dead."""


def begin_replay(
    log: EventLog,
    router: Router,
    event_id: str,
    *,
    handler: str | None,
    only_failed: bool,
    keep_effects: bool,
) -> int:
    """Record a replay of one event, which the clock then feeds; gives its number."""
    chosen = {each.name: each.patterns for each in router.handlers if handler in (None, each.name)}
    if not chosen:
        known = ", ".join(each.name for each in router.handlers)
        raise LookupError(f"this path has no handler {handler!r}; it has: {known}")
    return create(
        log,
        selection=Selection(ids=(event_id,)),
        handlers=chosen,
        only_failed=only_failed,
        keep_effects=keep_effects,
        who=_WHO,
    )


def require_fed(log: EventLog, number: int, event_id: str) -> None:
    """Raise `NothingToReplay` where a replay that was fed has made no delivery."""
    replay = read_replay(log, number)
    assert replay is not None  # noqa: S101 - replays are never removed
    if not replay.fed:
        raise NothingToReplay(f"nothing of event {event_id} was replayed: {_why_not(replay)}")


def resolve_dead(log: EventLog, event_id: str, *, handler: str | None, why: str) -> None:
    """Resolve an event's dead deliveries; the clock's next sweep finds those that they held up."""
    done = resolve(log, event_id, handler=handler, by=_WHO, why=why)
    if done is None:
        raise LookupError(f"no event {event_id!r} was accepted on this path")
    if handler is not None and handler not in done.event.handlers:
        known = ", ".join(done.event.handlers) or "none"
        raise LookupError(f"event {event_id} has no delivery to {handler!r}; it has: {known}")
    if not done.ids:
        states = (
            ", ".join(f"{each.handler} is {each.state}" for each in done.event.deliveries) or "it has none"
        )
        raise NothingToResolve(f"no delivery of event {event_id} is dead: {states}")


def _why_not(replay: Replay) -> str:
    if replay.in_flight:
        names = ", ".join(each.rpartition(" ")[2] for each in replay.in_flight)
        return (
            f"these have not ended with it: {names}; path.settle() lets them, unless another holds the line"
        )
    if replay.passed_over:
        return "with only_failed=True, and no last run of it is dead"
    return f"its type is none for {', '.join(replay.handlers)}"
