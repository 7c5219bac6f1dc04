"""Make a replay's deliveries, piece by piece, so that a large one never loads its events at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, Connection, Text, literal, select, update

from eventlog.database import EventLog
from eventlog.given import as_json, field, given_rows
from eventlog.instant import database_now, database_now_plus
from eventlog.replay_look import Choose, look
from eventlog.replay_turn import Turn, plan
from eventlog.replays import Replay, ReplayState, replay_of
from eventlog.states import REQUEUE_GRACE, State
from eventlog.tables import deliveries, replays

_NAMED_AT_MOST: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """What one turn made."""

    event_ids: tuple[str, ...]
    """To send jobs for."""
    looked_at: int
    finished: bool
    """Whether there is nothing more to make; of a canary, deliveries may still be waited for."""
    goes_on: bool = False
    """Whether more may be made at once."""


def feed(log: EventLog, replay_id: int, *, turn: int, choose: Choose, at_most: int | None = None) -> Fed:
    """Make the deliveries of a replay's next `turn` events, or `at_most` so many of them.

    Send jobs for what this returns.
    """
    return log.write_again_after_collisions(
        lambda connection: _feed(log, connection, replay_id, turn, choose, at_most)
    )


def _feed(
    log: EventLog, connection: Connection, replay_id: int, turn: int, choose: Choose, at_most: int | None
) -> Fed:
    running = select(replays).where(replays.c.id == replay_id, replays.c.state == ReplayState.RUNNING)
    # Another clock may be at the same replay: it is left alone then.
    row = connection.execute(running.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return Fed(event_ids=(), looked_at=0, finished=connection.execute(running).one_or_none() is None)
    replay = replay_of(row)
    if replay.finished_at is not None:
        return Fed(event_ids=(), looked_at=0, finished=True)
    seen = look(connection, replay, at_most=turn, choose=choose)
    planned = plan(connection, replay, seen.found, at_most)
    _make(log, connection, replay_id, planned.wanted)
    is_cut = planned.done_with < len(seen.found)
    finished = seen.is_last and not is_cut
    # The next turn looks again at the event of which something is left to make.
    cursor = seen.found[planned.done_with].seq - 1 if is_cut else seen.cursor
    _note_progress(connection, replay, planned, cursor, finished=finished)
    ids = {event.seq: event.id for event in seen.found}
    return Fed(
        event_ids=tuple(dict.fromkeys(ids[seq] for seq, _ in planned.wanted)),
        looked_at=planned.done_with,
        finished=finished,
        goes_on=not finished and not is_cut,
    )


def _make(log: EventLog, connection: Connection, replay_id: int, wanted: Sequence[tuple[int, str]]) -> None:
    """Insert deliveries, all with one statement: row by row they would cost far more."""
    if not wanted:
        return
    rows = given_rows("wanted")
    made = select(
        field(rows, 0, BigInteger()).label("event_seq"),
        field(rows, 1, Text()),
        literal(replay_id),
        literal(State.QUEUED.value),
        database_now_plus(REQUEUE_GRACE),
        # Before ON CONFLICT SQLite wants a clause that ends the SELECT.
    ).order_by("event_seq")
    columns = ["event_seq", "handler", "replay", "state", "due_at"]
    statement = log.insert(deliveries).from_select(columns, made).on_conflict_do_nothing()
    connection.execute(statement, {"wanted": as_json(wanted)})


def _note_progress(
    connection: Connection, replay: Replay, planned: Turn, cursor: int, *, finished: bool
) -> None:
    # A canary is done when all of it has ended; until then the clock looks after it.
    is_done = finished and replay.canary is None
    connection.execute(
        update(replays)
        .where(replays.c.id == replay.id)
        .values(
            cursor=cursor,
            events=replay.events + planned.done_with,
            fed=replay.fed + len(planned.wanted),
            passed_over=replay.passed_over + planned.passed_over + len(planned.in_flight),
            **_named(replay, planned),
            **({"finished_at": database_now()} if finished else {}),
            **({"state": ReplayState.DONE} if is_done else {}),
        )
    )


def _named(replay: Replay, planned: Turn) -> dict[str, list[str]]:
    """Give the column of those in flight, unless it stays as it is."""
    room = _NAMED_AT_MOST - len(replay.in_flight)
    if not planned.in_flight or room <= 0:
        return {}
    return {"in_flight": [*replay.in_flight, *planned.in_flight[:room]]}
