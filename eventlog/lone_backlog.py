"""How far a replay is ahead of handlers that run alone: no job in the queue that it is fed to shows that."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, select

from eventlog.database import EventLog
from eventlog.query_plans import is_of_replay, is_unended_alone, only
from eventlog.replays import Replay
from eventlog.states import State
from eventlog.tables import deliveries

_AHEAD: Final = 2000
"""So many keep such workers busy from one look of the clock to the next, a quarter of a second later: no more
than 8,000 a second can be handed on to them. Of a replay, fresh events wait behind little more than these."""


def is_far_ahead(log: EventLog, replay: Replay) -> bool:
    """Tell whether its handlers have enough that waits for their own queue, order or limit.

    Reads some thousand entries of two indexes at the most. Raises `LogUnavailable`.
    """
    # Of whichever run: a slot goes to the oldest event, so what is replayed would pass all fresh ones by.
    of_handlers = is_unended_alone(deliveries) & deliveries.c.handler.in_(replay.handlers)
    # In line only its own: of the others' a dead one may hold thousands up, until a replay mends it.
    of_it = is_of_replay(deliveries, replay.id)
    with log.read() as connection:
        number = (
            _count(connection, deliveries.c.handler, of_handlers, State.QUEUED)
            + _count(connection, deliveries.c.handler, of_handlers, State.THROTTLED)
            + _count(connection, deliveries.c.replay, of_it, State.PARKED)
        )
    return number > _AHEAD


def _count(
    connection: Connection, first: ColumnElement[Any], which: ColumnElement[bool], state: State
) -> int:
    some = (
        select(deliveries.c.id)
        .where(which, only(deliveries.c.state, state))
        # As an index has them: PostgreSQL would rather find so many by reading all rows from the first.
        .order_by(first, deliveries.c.state)
        .limit(_AHEAD + 1)
        .subquery()
    )
    return connection.execute(select(func.count()).select_from(some)).scalar_one()
