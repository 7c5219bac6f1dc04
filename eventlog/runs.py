"""Which delivery tells how a handler stands with an event: the last one that was not withdrawn."""

from typing import Final

from sqlalchemy import ColumnElement, FromClause, exists, func, or_

from eventlog.states import State
from eventlog.tables import deliveries

WITHDRAWN: Final = "its replay was cancelled"
STOPPED: Final = "its replay was stopped"


def is_run(table: FromClause) -> ColumnElement[bool]:
    """Say that a delivery was not withdrawn: it tells how the handler's last run ended, or will tell."""
    return or_(table.c.state != State.SKIPPED, func.coalesce(table.c.note, "").not_in((WITHDRAWN, STOPPED)))


def is_last_run() -> ColumnElement[bool]:
    """Say that no later delivery of the same event to the same handler was a run."""
    later = deliveries.alias("later")
    return ~exists().where(
        later.c.event_seq == deliveries.c.event_seq,
        later.c.handler == deliveries.c.handler,
        later.c.replay > deliveries.c.replay,
        is_run(later),
    )
