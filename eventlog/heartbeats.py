"""Which processes are alive, kept in the log itself: Redis may be wiped under a living worker."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select

from eventlog.database import EventLog
from eventlog.instant import database_now, database_now_plus
from eventlog.tables import heartbeats

BEAT_EVERY: Final = timedelta(seconds=5)
SILENT_AFTER: Final = timedelta(seconds=20)
_FORGOTTEN_AFTER: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """One process, as it last reported."""

    name: str
    kind: str
    started_at: datetime
    beat_at: datetime
    is_alive: bool
    queue: str | None = None
    """Of a worker: where it takes its jobs."""


def beat(log: EventLog, *, name: str, kind: str, queue: str | None = None) -> None:
    """Report that a process lives; `kind` is receiver, worker or clock, `queue` where a worker works."""
    statement = log.insert(heartbeats).values(
        name=name, kind=kind, queue=queue, started_at=database_now(), beat_at=database_now()
    )
    with log.write() as connection:
        connection.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_={"beat_at": database_now()})
        )


def sign_off(log: EventLog, *, name: str) -> None:
    """Report that a process ended as it should, and forget those that vanished long ago."""
    with log.write() as connection:
        connection.execute(
            delete(heartbeats).where(
                (heartbeats.c.name == name) | (heartbeats.c.beat_at < database_now_plus(-_FORGOTTEN_AFTER))
            )
        )


def read_heartbeats(log: EventLog) -> list[Heartbeat]:
    is_alive = (heartbeats.c.beat_at > database_now_plus(-SILENT_AFTER)).label("is_alive")
    query = select(heartbeats, is_alive).order_by(heartbeats.c.kind, heartbeats.c.name)
    with log.read() as connection:
        return [
            Heartbeat(**row._asdict() | {"is_alive": bool(row.is_alive)}) for row in connection.execute(query)
        ]
