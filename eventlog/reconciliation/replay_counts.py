"""Whether replays made as many deliveries as they say; of the newest, and of the small ones alone."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select

from eventlog.database import EventLog
from eventlog.reconciliation.ailment import IN_A_REPLAY
from eventlog.tables import deliveries, replays

_NEWEST: Final = 20
_SMALL: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Miscount:
    """A replay that disagrees with its deliveries."""

    replay: int
    says: int
    found: int


def read_miscounts(log: EventLog) -> list[Miscount]:
    """Find them; a replay and its deliveries are written together."""
    made = (
        select(func.count())
        .select_from(deliveries)
        .where(deliveries.c.replay == replays.c.id, IN_A_REPLAY)
        .correlate(replays)
        .scalar_subquery()
    )
    query = (
        select(replays.c.id, replays.c.fed, made.label("made"))
        .where(replays.c.fed <= _SMALL)
        .order_by(replays.c.id.desc())
        .limit(_NEWEST)
    )
    with log.read() as connection:
        return [
            Miscount(replay=row.id, says=row.fed, found=row.made)
            for row in connection.execute(query)
            if row.fed != row.made
        ]
