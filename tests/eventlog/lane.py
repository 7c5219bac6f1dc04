"""Plays the workers of one handler that runs alone, step by step, on a real log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace
from sqlalchemy import select, update

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.hand_on import HandedOn, Placement, hand_on
from eventlog.hold import ORIGINAL_RUN, Hold
from eventlog.leases import Claimed, claim, new_lease
from eventlog.limits import Limit
from eventlog.lone_claims import LoneClaim, claim_alone
from eventlog.lone_sweep import sweep_alone
from eventlog.outcome import Closing, Failure, Result, Woken
from eventlog.settlement import settle
from eventlog.states import State
from eventlog.tables import deliveries, events
from tests.eventlog.stored import an_event

HANDLER = "ordered"
LONG = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One delivery that is running."""

    lease: str
    claimed: Claimed
    replay: int = ORIGINAL_RUN
    handler: str = HANDLER

    @property
    def attempt(self) -> int:
        (prior,) = (each for each in self.claimed.prior if each.handler == self.handler)
        return prior.attempts + 1


@dataclass(kw_only=True)
class Lane:
    """One handler in one queue."""

    log: EventLog
    handler: str = HANDLER
    queue: str = "hooks"
    is_ordered: bool = True
    patterns: tuple[str, ...] = ("agent.*",)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    holds: bool = False
    is_limited: bool = False
    jobs: list[Woken] = field(default_factory=list)
    """Those that were sent."""

    def arrive(self, *ids: str, subject: str | None = "a1", event_type: str = "agent.started") -> None:
        for event_id in ids:
            record(self.log, [an_event(event_id, event_type, subject=subject)])

    def hop(self, *ids: str) -> HandedOn:
        """Claim events, hand the handler's deliveries on, and close them."""
        hold = Hold(lease=new_lease(), replay=ORIGINAL_RUN)
        claimed = claim(self.log, hold, ids, duration=LONG)
        handed = hand_on(self.log, hold, [self.placement(one) for one in claimed])
        placed = {seq for seq, _ in handed.placed}
        closings = [
            Closing(
                seq=one.seq,
                event_id=one.event.id,
                state=State.UNHANDLED if one.seq in placed else State.WAITING,
                has_lone=True,
                is_due_now=one.seq not in placed,
            )
            for one in claimed
        ]
        settle(self.log, hold, results=[], closings=closings)
        self.jobs += handed.woken
        return handed

    def placement(self, one: Claimed) -> Placement:
        return Placement(
            seq=one.seq,
            handler=self.handler,
            queue=self.queue,
            is_ordered=self.is_ordered,
            subject=one.event.subject,
            patterns=self.patterns,
        )

    def claim(self, *ids: str, replay: int = ORIGINAL_RUN) -> tuple[LoneClaim, list[Run]]:
        """Claim deliveries of these events; a job names them."""
        lease = new_lease()
        claim = claim_alone(
            self.log,
            Hold(lease=lease, replay=replay, queue=self.queue),
            ids,
            duration=LONG,
            limits=self.limits,
        )
        self.jobs += claim.woken
        return claim, [
            Run(lease=lease, claimed=one, replay=replay, handler=prior.handler)
            for one in claim.claimed
            for prior in one.prior
            if prior.is_due
        ]

    def end(self, run: Run, state: State = State.DONE, *, retry_in: timedelta = timedelta(0)) -> set[int]:
        """Record what came of a run; gives the events whose lease was lost."""
        result = Result(
            seq=run.claimed.seq,
            handler=run.handler,
            attempt=run.attempt,
            failures=0,
            state=state,
            started_at=datetime.now(UTC),
            duration=timedelta(milliseconds=1),
            retry_in=retry_in if state is State.WAITING else None,
            holds_line=state is State.DEAD and self.holds,
            is_limited=self.is_limited,
        )
        if state in (State.DEAD, State.WAITING):
            result = replace(
                result, failure=Failure(error_type="E", message="m", traceback="t", fingerprint="f")
            )
        return settle(
            self.log,
            Hold(lease=run.lease, replay=run.replay, queue=self.queue),
            results=[result],
            after_commit=lambda aftermath: self.jobs.extend(aftermath.woken),
        )

    def sweep(self) -> list[str]:
        """Let all that waits be due and all leases be over, and queue it."""
        past = datetime.now(UTC) - timedelta(seconds=1)
        with self.log.write() as connection:
            connection.execute(update(deliveries).where(deliveries.c.due_at.isnot(None)).values(due_at=past))
        return [each.event_id for each in sweep_alone(self.log, self.queue, end_leases=True)]

    def states(self) -> dict[str, str]:
        """Give the state of each event's delivery in the original run."""
        return self._read(deliveries.c.state)

    def event_states(self) -> dict[str, str]:
        query = select(events.c.id, events.c.state).order_by(events.c.seq)
        with self.log.read() as connection:
            return {row.id: row.state for row in connection.execute(query)}

    def standing(self) -> Sequence[str]:
        """Give the events whose deliveries stand in a line."""
        return [event_id for event_id, line in self._read(deliveries.c.line).items() if line is not None]

    def _read(self, column: object) -> dict[str, str]:
        query = (
            select(events.c.id, column)  # type: ignore[call-overload]
            .join(deliveries, deliveries.c.event_seq == events.c.seq)
            .where(deliveries.c.replay == ORIGINAL_RUN, deliveries.c.handler == self.handler)
            .order_by(events.c.seq)
        )
        with self.log.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}
