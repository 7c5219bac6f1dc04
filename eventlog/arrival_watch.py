"""Which events were sent since a moment: new ones, and copies of known ones."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select

from eventlog.database import EventLog
from eventlog.rejects import Reject, RejectFilter, read_rejects
from eventlog.tables import events, rejects

_AT_MOST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An event that was sent since."""

    id: str
    type: str
    is_again: bool
    """Whether it was known before."""


class ArrivalWatch:
    """Notes what is in the log when it is made; reads all events that were sent again, so not for often."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        with log.read() as connection:
            self._last_seq = connection.scalar(select(func.max(events.c.seq))) or 0
            self._last_reject = connection.scalar(select(func.max(rejects.c.id))) or 0
            sent_again = select(events.c.seq, events.c.seen).where(events.c.seen > 1)
            self._seen = {row.seq: row.seen for row in connection.execute(sent_again)}

    def arrivals(self) -> list[Arrival]:
        """Give what has come since, the new ones first; of many the newest."""
        columns = select(events.c.seq, events.c.id, events.c.type, events.c.seen)
        with self._log.read() as connection:
            new = connection.execute(
                columns.where(events.c.seq > self._last_seq).order_by(events.c.seq.desc()).limit(_AT_MOST)
            ).all()
            again = connection.execute(columns.where(events.c.seen > 1, events.c.seq <= self._last_seq)).all()
        return [
            *(Arrival(id=row.id, type=row.type, is_again=False) for row in new),
            *(
                Arrival(id=row.id, type=row.type, is_again=True)
                for row in again
                if row.seen > self._seen.get(row.seq, 1)
            ),
        ]

    def refused(self) -> list[Reject]:
        """Give what was refused since, the newest first."""
        found = read_rejects(self._log, RejectFilter(), limit=_AT_MOST)
        return [reject for reject in found if reject.id > self._last_reject]
