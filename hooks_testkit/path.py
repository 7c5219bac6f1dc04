"""The whole path of an event, from its signature to its outcome, in the test's own process and time.

    from handlers.testing import make_event
    from hooks_testkit.path import EventPath

    def test_asks_again_after_a_failure() -> None:
        path = EventPath(router)
        event = make_event("agent.failed", agentId="agent_1")
        assert path.deliver(event).state == "waiting"
        path.advance(minutes=5)
        assert path.look(event).state == "done"

The receiver's, the log's and the workers' own code runs; the log is in memory, and there is neither Redis nor
any process. Time stands still until the test moves it.
"""

import threading
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

from structlog.testing import LogCapture

from eventlog.acceptance import record
from eventlog.arrival import Receipt
from eventlog.detail import read_detail
from eventlog.in_memory import InMemoryLog
from eventlog.rehearsal import open_session
from handlers import Event, Router
from handlers.apis import Apis
from handlers.duration import LONGEST
from handlers.http import AttemptHttp, no_http
from handlers.registration import Handler, HandlerFunction
from handlers.testing import Fake, handler_of, logger_of
from hooks_testkit.body import require_subject_in_body
from hooks_testkit.by_hand import begin_replay, require_fed, resolve_dead
from hooks_testkit.delivered import Call, Delivered
from hooks_testkit.frozen_clock import FrozenClock
from hooks_testkit.worker import LEASE, KillSwitch, Worker, WorkerKilled
from receiver.admit import admit
from receiver.answer import Answer, Refusal, received
from receiver.signature import sign
from workers.rehearsal import QueueInMemory, SetTimer, SteppedClock

if TYPE_CHECKING:  # slow to load, and not needed by every test
    import httpx2

    from eventlog.rehearsal import MetaData, Session

_SECRET: Final = b"whsec_of_a_test"
_MOST_JOBS: Final = 10_000
_MOST_MOMENTS: Final = 10_000
_MOST_ROUNDS: Final = 100
_TURN_SECONDS: Final = 10.0
"""Between two turns of the clock process, on its monotonic clock: more than its pauses."""


class NotAccepted(Exception):  # noqa: N818 - named for what happened
    """The receiver would not take this event."""


class NeverSettles(Exception):  # noqa: N818
    """There is always something left to run: a handler asks to be called again at once, each time."""


class EventPath:
    """A receiver, a log, workers and a clock; close it, or let it go."""

    def __init__(
        self,
        *what: Router | Handler | HandlerFunction,
        tables: "MetaData | None" = None,
        http: "httpx2.BaseTransport | None" = None,
        chaozcode: Fake | None = None,
        chucky: Fake | None = None,
        now: datetime | None = None,
    ) -> None:
        """Make it for these routers and handlers.

        `tables` are your own, made in the log for `ctx.transaction`. `http` answers the requests of
        `ctx.http`, such as httpx2.MockTransport, and `chaozcode` and `chucky` are a `FakeChaozCode` and a
        `FakeChucky`; nothing is ever sent. `now` is where the clock starts.
        """
        self._router = _together(what)
        self.clock = FrozenClock(now)
        """What handlers, leases and retries go by; `clock.sleep` can stand in for time.sleep."""
        self._timer = SetTimer(self.clock.now)
        self.clock.when_moved(self._timer.strike_if_late)
        self.log = InMemoryLog(now=self.clock.now, tables=tables)
        self._make_http = partial(AttemptHttp, transport=http) if http else _NoHttp
        self._make_apis = Apis(
            chaozcode=chaozcode.access if chaozcode else None, chucky=chucky.access if chucky else None
        )
        self._queue = QueueInMemory()
        self._sweeper = SteppedClock(self.log, self._queue, lease=LEASE)
        self.rounds = _MOST_ROUNDS
        """How often something may be due again at one moment before that counts as `NeverSettles`."""
        self._turns = 0
        self._calls: list[Call] = []
        self._capture = LogCapture()
        self._at_work = threading.local()
        weakref.finalize(self, self.log.close)

    def deliver(self, event: Event) -> Delivered:
        """Send an event, run what is to be run now, and tell what became of it."""
        answer = self.send(event)
        if answer.status >= 300:
            raise NotAccepted(f"the receiver answered {answer.status}: {answer.payload}")
        self.work()
        return self.look(event)

    def send(self, event: Event) -> Answer:
        """Sign the event's body and hand it to the receiver; nothing runs yet. Gives its HTTP answer."""
        require_subject_in_body(event)
        return self.post(event.body, sign(event.body, _SECRET))

    def post(self, body: bytes, signature: str | None) -> Answer:
        """Hand a request's body to the receiver, with this header X-ChaozCode-Signature."""
        admitted = admit(body, signature, keys=[_SECRET], now=self.clock.now())
        if isinstance(admitted, Refusal):
            return admitted.answer("req_of_a_test")
        (receipt,) = record(self.log, [admitted])
        if receipt is Receipt.NEW:
            self._queue.send([admitted.id])
        return received(admitted.id, receipt)

    def work(self, *, workers: int = 1) -> None:
        """Run what is queued, until nothing is; several workers do it at the same time, in threads."""
        if workers == 1:
            self._work()
            return
        with ThreadPoolExecutor(workers) as threads:
            for done in [threads.submit(self._work) for _ in range(workers)]:
                done.result()

    def advance(self, **by: float) -> None:
        """Move the clock, by seconds=, minutes=, hours= or days=, and run what becomes due, each at its time.

        Inside a handler it only moves the clock.
        """
        until = self.clock.now() + timedelta(**by)
        if getattr(self._at_work, "is_set", False):
            self.clock.move_to(until)
            return
        self._run_each_when_due(until)
        self.clock.move_to(until)
        self._run_what_is_due()

    def settle(self) -> None:
        """Move the clock from one due moment to the next, until nothing is left to wait for."""
        self._run_each_when_due(self.clock.now() + LONGEST)

    def replay(
        self,
        event: Event | str,
        *,
        handler: str | None = None,
        only_failed: bool = False,
        keep_effects: bool = False,
    ) -> Delivered:
        """Run the event, given it or its id, through its handlers again, as `hooks replay` does.

        The replays of a path are numbered from 1. Raises `NothingToReplay` where no handler could be given
        it; LookupError where there is no such event or handler.
        """
        event_id = self.look(event).id
        self._work()  # a replay lets those go first that are queued
        number = begin_replay(
            self.log,
            self._router,
            event_id,
            handler=handler,
            only_failed=only_failed,
            keep_effects=keep_effects,
        )
        self._run_what_is_due()
        require_fed(self.log, number, event_id)
        return self.look(event_id)

    def resolve(
        self, event: Event | str, *, handler: str | None = None, why: str = "resolved in a test"
    ) -> Delivered:
        """Mark the event's dead deliveries as dealt with, as `hooks events resolve`, and run what they held.

        Raises `NothingToResolve` where none is dead; LookupError where there is no such event or handler.
        """
        resolve_dead(self.log, _id_of(event), handler=handler, why=why)
        self._run_what_is_due()
        return self.look(event)

    def look(self, event: Event | str) -> Delivered:
        """Tell what became of an event, given it or its id. LookupError where the log has none."""
        event_id = _id_of(event)
        detail = read_detail(self.log, event_id)
        if detail is None:
            raise LookupError(f"no event {event_id!r} was accepted on this path")
        return Delivered(
            id=detail.id,
            type=detail.type,
            state=detail.state,
            seen=detail.seen,
            due_at=detail.due_at,
            deliveries=detail.deliveries,
            failures=detail.failures,
            logs=tuple(line for line in self._capture.entries if line.get("event_id") == event_id),
            calls=tuple(call for call in self._calls if call.event_id == event_id),
            path=self,
        )

    @contextmanager
    def session(self) -> "Iterator[Session]":
        """Open a SQLAlchemy session on the log's database: to make rows of your own, or to look at them."""
        with open_session(self.log) as session:
            yield session

    def queue_again(self, event: Event, *, jobs: int) -> None:
        """Send further jobs for an event, as a sweeper does that took one for lost."""
        for _ in range(jobs):
            self._queue.send([event.id])

    def work_until_killed(self, *, before_record: int) -> bool:
        """Run what is queued with a worker that is killed when it is about to record for the n-th time.

        What counts is what it writes from the moment a handler begins: steps of `ctx.once`, transactions,
        outcomes. Tells whether it came so far. What it held is queued again once its lease has ended.
        """
        kill = KillSwitch(before_record=before_record)
        self.log.before_commit = kill.before_commit
        try:
            self._work(kill)
        except WorkerKilled:
            pass
        finally:
            self.log.before_commit = None
        return kill.has_killed

    def close(self) -> None:
        """Forget everything."""
        self.log.close()

    def _run_each_when_due(self, until: datetime) -> None:
        for _ in range(_MOST_MOMENTS):
            self._run_what_is_due()
            due = self.log.next_due(after=self.clock.now())
            if due is None or due > until:
                return
            self.clock.move_to(due)
        self._never_settles()

    def _run_what_is_due(self) -> None:
        for _ in range(self.rounds):
            self._turns += 1
            self._sweeper.turn(self._turns * _TURN_SECONDS)
            if not self._queue.waiting_jobs():
                return
            self._work()
            due = self.log.next_due()
            if due is None or due > self.clock.now():
                return
        self._never_settles()

    def _work(self, kill: KillSwitch | None = None) -> None:
        worker = Worker(
            self.log,
            self._queue,
            self._router,
            clock=self.clock,
            timer=self._timer,
            logger=logger_of(self._capture, *([] if kill is None else [kill.silence_the_dead])),
            make_http=self._make_http,
            make_apis=self._make_apis,
            called=self._calls.append,
            kill=kill,
        )
        self._at_work.is_set = True
        try:
            for _ in range(_MOST_JOBS):
                if not worker.run_one_job():
                    return
        finally:
            self._at_work.is_set = False
        self._never_settles()

    def _never_settles(self) -> NoReturn:
        raise NeverSettles(
            f"at {self.clock.now()} there is always something left to run;"
            " does a handler raise RetryLater(0)?"
        )


def deliver(
    what: Router | Handler | HandlerFunction,
    event: Event,
    *,
    tables: "MetaData | None" = None,
    http: "httpx2.BaseTransport | None" = None,
    chaozcode: Fake | None = None,
    chucky: Fake | None = None,
    now: datetime | None = None,
) -> Delivered:
    """Deliver one event on a path of its own, which is `delivered.path`, and tell what became of it."""
    path = EventPath(what, tables=tables, http=http, chaozcode=chaozcode, chucky=chucky, now=now)
    return path.deliver(event)


def _id_of(event: Event | str) -> str:
    return event if isinstance(event, str) else event.id


class _NoHttp(AttemptHttp):
    def client(self) -> Any:  # noqa: ANN401 - it gives none
        return no_http()


def _together(what: Sequence[Router | Handler | HandlerFunction]) -> Router:
    if not what:
        raise ValueError("a path needs handlers: give it a Router, or functions")
    if len(what) == 1 and isinstance(what[0], Router):
        return what[0]
    together = Router()
    for each in what:
        if isinstance(each, Router):
            together.include(each)
        else:
            together.add(handler_of(each))
    return together
