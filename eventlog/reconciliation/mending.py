"""Mend what is ill: each row only while it still is, so that no living worker or sweeper is fought."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection, delete, select, update

from eventlog.database import EventLog
from eventlog.reconciliation.ailment import Ailment
from eventlog.reconciliation.search import Ill
from eventlog.tables import deliveries, events

_TURN: Final = 500


def mend(log: EventLog, ailment: Ailment, ills: Sequence[Ill]) -> list[Ill]:
    """Cure those that still are ill, some hundreds a transaction; give them, and send jobs for them then.

    Of an ailment that `may_be_held`, the caller has waited since for as long as a living worker takes to
    renew its lease. Raises `LogUnavailable`.
    """
    cured: list[Ill] = []
    if ailment.cure is None:
        return cured
    for start in range(0, len(ills), _TURN):
        turn = {ill.key: ill for ill in ills[start : start + _TURN]}
        keys = log.write_again_after_collisions(partial(_mend, ailment=ailment, ills=turn))
        cured += [turn[key] for key in sorted(keys)]
    return cured


def _mend(connection: Connection, *, ailment: Ailment, ills: dict[int, Ill]) -> list[int]:
    key = next(iter(ailment.table.primary_key))
    keys = _lock(connection, ailment, ills)
    # The condition again, now that nobody else can change the rows: it may no longer be true of them.
    which = (key.in_(keys), ailment.is_ill)
    statement = (
        update(ailment.table).where(*which).values(**ailment.cure).returning(key)
        if ailment.cure
        else delete(ailment.table).where(*which).returning(key)
    )
    return list(connection.execute(statement).scalars()) if keys else []


def _lock(connection: Connection, ailment: Ailment, ills: dict[int, Ill]) -> list[int]:
    """Lock the rows with their events, which whoever writes the original run's deliveries locks too.

    What another transaction holds is passed over: it is being worked on.
    """
    seqs = {ill.event_seq for ill in ills.values()}
    query = select(events.c.seq).where(events.c.seq.in_(seqs)).order_by(events.c.seq)
    free = set(connection.execute(query.with_for_update(skip_locked=True)).scalars())
    if ailment.table is events:
        return sorted(free)
    if ailment.cure:
        ills = {key: ill for key, ill in ills.items() if ill.event_seq in free}
    rows = select(deliveries.c.id).where(deliveries.c.id.in_(ills)).order_by(deliveries.c.id)
    return list(connection.execute(rows.with_for_update(skip_locked=True)).scalars())
