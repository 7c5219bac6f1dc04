"""Steps that handlers take once: the result of each, by event, handler, run and key."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Label, exists, or_, select

from eventlog.database import EventLog
from eventlog.errors import LeaseLost
from eventlog.instant import database_now
from eventlog.tables import deliveries, effects, events, replays


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One step that was taken."""

    handler: str
    replay: int
    """0 is the original run."""
    key: str
    result: str
    """JSON."""
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsOnRecord:
    """The steps of one event's handler in one run, for the worker that holds its lease."""

    log: EventLog
    seq: int
    handler: str
    replay: int
    lease: str

    def find(self, key: str) -> str | None:
        """Give the JSON that is on record for a step; None if the step is still to be taken.

        A replay with `keep_effects` finds what the newest of the runs before it recorded, too.
        Raises `LeaseLost`, `LogUnavailable`.
        """
        keeps = exists().where(replays.c.id == self.replay, replays.c.keep_effects)
        result = (
            select(effects.c.result)
            .where(
                effects.c.event_seq == self.seq,
                effects.c.handler == self.handler,
                effects.c.key == key,
                or_(effects.c.replay == self.replay, (effects.c.replay < self.replay) & keeps),
            )
            .order_by(effects.c.replay.desc())
            .limit(1)
            .scalar_subquery()
        )
        with self.log.read() as connection:
            row = connection.execute(select(self._is_held(), result.label("result"))).one()
        if not row.is_held:
            raise LeaseLost(
                "the lease of this delivery was lost: another worker may run it, so no step is taken"
            )
        found: str | None = row.result
        return found

    def record(self, key: str, result: str) -> str:
        """Record a step that was taken, unless it is on record already; gives what is on record then.

        Without a look at the lease: the step was taken, whoever runs the delivery by now.
        Raises `LogUnavailable`; it may be called again then, also where the first one was committed.
        """
        insert = (
            self.log.insert(effects)
            .values(
                event_seq=self.seq,
                handler=self.handler,
                replay=self.replay,
                key=key,
                result=result,
                recorded_at=database_now(),
            )
            .on_conflict_do_nothing()
        )
        query = select(effects.c.result).where(
            effects.c.event_seq == self.seq,
            effects.c.handler == self.handler,
            effects.c.replay == self.replay,
            effects.c.key == key,
        )

        def work(connection: Connection) -> str:
            connection.execute(insert)
            recorded: str = connection.execute(query).scalar_one()
            return recorded

        return self.log.write_again_after_collisions(work)

    def _is_held(self) -> Label[bool]:
        # A lease is random, so it may be looked for in both places: which one holds it depends on the run.
        by_event = exists().where(events.c.seq == self.seq, events.c.lease == self.lease)
        by_delivery = exists().where(
            deliveries.c.event_seq == self.seq,
            deliveries.c.handler == self.handler,
            deliveries.c.replay == self.replay,
            deliveries.c.lease == self.lease,
        )
        return or_(by_event, by_delivery).label("is_held")


def read_effects(connection: Connection, seq: int) -> tuple[Effect, ...]:
    """Read all steps of an event: by run, and within a run as they were recorded."""
    query = (
        select(effects)
        .where(effects.c.event_seq == seq)
        .order_by(effects.c.replay, effects.c.recorded_at, effects.c.handler, effects.c.key)
    )
    return tuple(
        Effect(
            handler=row.handler,
            replay=row.replay,
            key=row.key,
            result=row.result,
            recorded_at=row.recorded_at,
        )
        for row in connection.execute(query)
    )
