"""What waits after the database's clock was set back: it is brought nearer by as much.

A retry in ten seconds, written before the clock went back an hour, would otherwise come an hour late.
Whatever is due later than an hour from now was most likely written before, so its hour is taken off.

Several sweepers each see the jump, and each do this. That is harmless: what one of them brought nearer than
the jump is long is left alone by the next. Only what waits for longer than the jump (a retry in three hours
after a jump of one) can come early, by one jump for each further sweeper. Leases need nothing of the kind:
see `lease_watch`.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    and_,
    literal,
    or_,
    select,
    type_coerce,
    update,
)

from eventlog.database import EventLog
from eventlog.hold import ORIGINAL_RUN
from eventlog.instant import database_now, microseconds
from eventlog.states import State
from eventlog.tables import deliveries, events, starts

_TURN: Final = 1000


def bring_nearer(log: EventLog, *, jump: timedelta) -> int:
    """Take a backward jump's length off what is due later than that, some rows a turn.

    Returns how many rows were changed. Raises `LogUnavailable`.
    """
    with log.read() as connection:
        beyond = connection.execute(select(database_now())).scalar_one() + jump
    # Deliveries first: an event that came before its delivery was due would be put off to the former time.
    in_original_run = deliveries.c.replay == ORIGINAL_RUN
    waits = deliveries.c.state == State.WAITING
    waits_alone = deliveries.c.state.in_((State.WAITING, State.QUEUED, State.THROTTLED))
    log.write_again_after_collisions(lambda connection: _forget_sooner(connection, jump))
    return sum(
        _bring_nearer(log, table, condition, beyond=beyond, jump=jump)
        for table, condition in (
            (deliveries, and_(in_original_run, deliveries.c.queue.is_(None), waits)),
            (deliveries, and_(or_(~in_original_run, deliveries.c.queue.isnot(None)), waits_alone)),
            (events, events.c.state == State.WAITING),
            (events, events.c.state == State.QUEUED),
        )
    )


def _forget_sooner(connection: Connection, jump: timedelta) -> None:
    """Let starts that lie ahead now count against their rate for no longer than they would have."""
    earlier = type_coerce(starts.c.started_at, BigInteger) - literal(microseconds(jump), BigInteger)
    connection.execute(update(starts).where(starts.c.started_at > database_now()).values(started_at=earlier))


def _bring_nearer(
    log: EventLog, table: Table, condition: ColumnElement[bool], *, beyond: datetime, jump: timedelta
) -> int:
    key = next(iter(table.primary_key))
    nearer = type_coerce(table.c.due_at, BigInteger) - literal(microseconds(jump), BigInteger)
    changed, after = 0, 0

    def turn(connection: Connection) -> list[int]:
        query = select(key).where(condition, table.c.due_at > beyond, key > after).order_by(key).limit(_TURN)
        keys = list(connection.execute(query).scalars())
        if keys:
            # The conditions again: a worker may have taken a row meanwhile, and its lease is not ours to cut.
            connection.execute(
                update(table).where(key.in_(keys), condition, table.c.due_at > beyond).values(due_at=nearer)
            )
        return keys

    while keys := log.write_again_after_collisions(turn):
        changed += len(keys)
        after = keys[-1]
    return changed
