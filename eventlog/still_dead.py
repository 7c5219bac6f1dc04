"""How many deliveries a failure has left dead: those whose last run ended with it."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, func, select

from eventlog.last_run import DEAD
from eventlog.query_plans import unindexed
from eventlog.runs import is_last_run
from eventlog.tables import deliveries, events, failures

_FEW: Final = 2000


def count_of_few_dead(
    connection: Connection, conditions: Sequence[ColumnElement[bool]] = ()
) -> dict[str, int] | None:
    """Count the dead by the fingerprint of their last failure, which is to match; None if many are dead."""
    # The order is that of the index over the dead alone.
    some = (
        select(deliveries.c.id)
        .where(deliveries.c.state == DEAD)
        .order_by(deliveries.c.handler, deliveries.c.event_seq)
        .limit(_FEW + 1)
    )
    if connection.execute(select(func.count()).select_from(some.subquery())).scalar_one() > _FEW:
        return None
    dead = some.add_columns(
        deliveries.c.event_seq, deliveries.c.handler, deliveries.c.replay, deliveries.c.attempts
    ).subquery("dead")
    last_failure = and_(
        failures.c.event_seq == dead.c.event_seq,
        failures.c.handler == dead.c.handler,
        failures.c.replay == dead.c.replay,
        failures.c.attempt == dead.c.attempts,
    )
    query = (
        select(failures.c.fingerprint, func.count().label("number"))
        .select_from(dead)
        .join(deliveries, deliveries.c.id == dead.c.id)
        .join(failures, last_failure)
        .join(events, events.c.seq == dead.c.event_seq)
        .where(is_last_run(), *conditions)
        .group_by(failures.c.fingerprint)
    )
    return {row.fingerprint: row.number for row in connection.execute(query)}


def dead_among(newest: Subquery, conditions: Sequence[ColumnElement[bool]] = ()) -> Select[int]:
    """Ask for the number of those of these failures that were the last, and left their delivery dead."""
    its_delivery = and_(
        deliveries.c.event_seq == newest.c.event_seq,
        deliveries.c.handler == newest.c.handler,
        deliveries.c.replay == newest.c.replay,
        deliveries.c.attempts == newest.c.attempt,
        unindexed(deliveries.c.state) == DEAD,
    )
    return (
        select(func.count())
        .select_from(newest)
        .join(failures, failures.c.id == newest.c.id)
        .join(events, events.c.seq == newest.c.event_seq)
        .join(deliveries, its_delivery)
        .where(is_last_run(), *conditions)
    )
