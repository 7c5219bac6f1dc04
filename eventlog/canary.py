"""A canary: a replay in stages of 1, 10 and all, which stops when what it was to mend fails again.

A stage begins when all deliveries of the one before have ended, their retries included. The clock drives it,
so that it goes on, and stops, when nobody watches any more.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, and_, exists, func, select, update

from eventlog.database import EventLog
from eventlog.instant import database_now
from eventlog.last_run import DEAD
from eventlog.query_plans import is_of_replay
from eventlog.replays import FIRST_STAGE, Replay, ReplayState, replay_of
from eventlog.runs import STOPPED
from eventlog.states import HELD_BACK, UNFINISHED
from eventlog.tables import deliveries, events, failures, replays
from eventlog.withdrawal import withdraw

ALL: Final = 2**31 - 1
"""The bound of the last stage: the largest number that the column holds."""
STAGES: Final = (FIRST_STAGE, FIRST_STAGE + 10, ALL)
"""How many deliveries may have been made, stage by stage."""

_MESSAGE_CHARACTERS: Final = 300


class Step(Enum):
    """What is to be done about a canary now."""

    FEED = auto()
    """Make deliveries, up to the stage's bound."""
    WAIT = auto()
    """Deliveries are still to end."""
    NEXT_STAGE = auto()
    END = auto()
    """All was fed, and has ended."""
    STOP = auto()
    LEAVE = auto()
    """It has ended already, or another clock is at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """What was done about a canary."""

    step: Step
    because: str | None = None
    """Why it was stopped."""


def stage_of(replay: Replay) -> int | None:
    """Tell which stage a canary is in, from 1; None where a replay is no canary."""
    return None if replay.canary is None else STAGES.index(replay.canary) + 1


def advance(log: EventLog, replay: Replay) -> Advance:
    """Stop a canary, end it, or begin its next stage, where it is time to. Raises `LogUnavailable`."""
    # Nearly every turn finds nothing to change: looking first keeps the clock out of the line of writers.
    with log.read() as connection:
        looked = _look(connection, replay)
    if looked.step in (Step.FEED, Step.WAIT):
        return looked
    return log.write_again_after_collisions(lambda connection: _advance(connection, replay.id))


def _advance(connection: Connection, number: int) -> Advance:
    running = select(replays).where(replays.c.id == number, replays.c.state == ReplayState.RUNNING)
    row = connection.execute(running.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return Advance(step=Step.LEAVE)
    replay = replay_of(row)
    found = _look(connection, replay)
    changes = _changes(replay, found)
    if changes:
        connection.execute(update(replays).where(replays.c.id == number).values(changes))
    if found.step is Step.STOP:
        withdraw(connection, number, STOPPED)
    return found


def _changes(replay: Replay, found: Advance) -> dict[str, Any]:
    match found.step:
        case Step.NEXT_STAGE:
            return {"canary": next(bound for bound in STAGES if bound > (replay.canary or 0))}
        case Step.END:
            return {"state": ReplayState.DONE}
        case Step.STOP:
            return {
                "state": ReplayState.STOPPED,
                "finished_at": func.coalesce(replays.c.finished_at, database_now()),
                "ended_because": found.because,
            }
        case _:
            return {}


def _look(connection: Connection, replay: Replay) -> Advance:
    # First whether anything is unfinished: what ends after that is still in the way of the next stage,
    # and the failures of what had ended before are seen by the second look.
    is_at_work = connection.execute(_unfinished(replay.id)).scalar_one()
    again = _failed_again(connection, replay)
    if again is not None:
        return Advance(step=Step.STOP, because=_words(again))
    if replay.finished_at is None and replay.fed < (replay.canary or 0):
        return Advance(step=Step.FEED)
    if is_at_work:
        return Advance(step=Step.WAIT)
    return Advance(step=Step.NEXT_STAGE if replay.finished_at is None else Step.END)


def _unfinished(number: int) -> Select[tuple[bool]]:
    unfinished = deliveries.c.state.in_((*UNFINISHED, *HELD_BACK))
    return select(exists().where(is_of_replay(deliveries, number), unfinished))


def _failed_again(connection: Connection, replay: Replay) -> RowMapping | None:
    """Find a failed attempt that stops the canary.

    With a fingerprint that is one of its kind, and in the small stages also a delivery that died otherwise: a
    mend that only fails in another way is to be found out by one delivery, not by all.
    """
    last_run = replay.selection.last_run
    fingerprint = None if last_run is None else last_run.fingerprint
    failed = (
        select(
            events.c.id.label("event_id"),
            failures.c.handler,
            failures.c.attempt,
            failures.c.error_type,
            failures.c.message,
        )
        .select_from(failures)
        .join(events, events.c.seq == failures.c.event_seq)
        .where(is_of_replay(failures, replay.id))
        .limit(1)
    )
    if fingerprint is None:
        return connection.execute(failed).mappings().one_or_none()
    found = connection.execute(failed.where(failures.c.fingerprint == fingerprint)).mappings().one_or_none()
    if found is not None or replay.canary == ALL:
        return found
    died = and_(
        deliveries.c.event_seq == failures.c.event_seq,
        deliveries.c.handler == failures.c.handler,
        deliveries.c.replay == replay.id,
        deliveries.c.attempts == failures.c.attempt,
        deliveries.c.state == DEAD,
    )
    return connection.execute(failed.join(deliveries, died)).mappings().one_or_none()


def _words(failed: RowMapping) -> str:
    event_id, handler, attempt = failed["event_id"], failed["handler"], failed["attempt"]
    first_line = failed["message"].strip().partition("\n")[0][:_MESSAGE_CHARACTERS]
    error = ": ".join(part for part in (failed["error_type"], first_line) if part)
    return f"{event_id} failed again in {handler}, at attempt {attempt}: {error}"
