"""For your tests: make an event and run a handler on it, without Redis or a worker, on a log in memory.

    from handlers.testing import Succeeded, make_event, run

    def test_explains_a_failed_agent() -> None:
        result = run(explain, make_event("agent.failed", agentId="agent_1"))
        assert result.outcome == Succeeded()

Timeouts are not enforced here: `ctx.deadline` is set, but nothing stops a handler that overruns it. Every
attempt takes place as its event arrives, so that no handler's own deadline has passed, however old the event.
`hooks_testkit.path` takes an event the whole way instead: signature, retries, several handlers.
"""

import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import structlog
from structlog.testing import LogCapture
from structlog.typing import FilteringBoundLogger, Processor

from eventlog.event import Event, subject_field, subject_of

from .apis import Access, AttemptApis
from .attempt import attempt as attempt_once
from .context import Context
from .failure import FailureDetail
from .http import AttemptHttp, no_http
from .once import Steps
from .outcome import Dead, Outcome, Retried, Skipped, Succeeded
from .registration import Handler, HandlerFunction
from .rehearsal import Rehearsal, RehearsedDelivery
from .rehearsed_steps import Unshielded
from .router import Router

if TYPE_CHECKING:  # slow to load, and most tests need none of it
    import httpx2

    from eventlog.rehearsal import MetaData, Session

__all__ = ["Dead", "Outcome", "Retried", "Run", "Skipped", "Succeeded", "make_event", "run"]


class Fake(Protocol):
    """What stands in for an API: `FakeChaozCode` and `FakeChucky` of `hooks_testkit`."""

    @property
    def access(self) -> Access:
        """How it is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of running a handler once."""

    outcome: Outcome
    """`Succeeded()`, `Skipped(reason)`, `Retried(...)` or `Dead(error)`."""
    logs: tuple[Mapping[str, Any], ...]
    """What it logged with `ctx.log`, in order: the fields, with the name as `event` and the `log_level`."""
    attempt: int = field(default=1, compare=False)
    failures: int = field(default=0, compare=False)
    """How many attempts had failed when it was over, this one included."""
    _rehearsal: Rehearsal = field(
        default_factory=lambda: Rehearsal(database=None, tables=None), repr=False, compare=False
    )

    @property
    def error(self) -> FailureDetail | None:
        """Why it failed, with the traceback; None where it did not."""
        return self.outcome.error if isinstance(self.outcome, Retried | Dead) else None

    @contextmanager
    def session(self) -> "Iterator[Session]":
        """Open a SQLAlchemy session on its database: to make rows of your own, or to look at them."""
        from eventlog.rehearsal import open_session  # noqa: PLC0415 - see above

        with open_session(self._rehearsal.log) as session:
            yield session


def make_event(
    type: str,  # noqa: A002 - the event's field
    fields: Mapping[str, object] | None = None,
    /,
    *,
    id: str | None = None,  # noqa: A002 - the event's field
    subject: str | EllipsisType | None = ...,
    created_at: datetime | EllipsisType | None = ...,
    **data: object,
) -> Event:
    """Make an event as ChaozCode would send it, with `data` as its data, and with `fields`.

    `fields` are for data whose names are taken here, such as `{"id": "p1"}`, or are no names in Python.
    The id is a new one unless given; the subject comes from the data, and one that is given goes there, too;
    `created_at` is now, or absent if None.
    """
    now = datetime.now(UTC)
    if isinstance(created_at, EllipsisType):
        created_at = now.replace(microsecond=0)
    if created_at is not None and created_at.tzinfo is None:
        raise ValueError(f"created_at is {created_at!r} without a time zone: give an aware datetime")
    body: dict[str, object] = {"id": f"evt_{uuid.uuid4().hex}" if id is None else id, "type": type}
    if created_at is not None:
        body["createdAt"] = created_at.astimezone(UTC)
    data = {**(fields or {}), **data}
    field = subject_field(type)
    if isinstance(subject, str) and field is not None and data.setdefault(field, subject) != subject:
        raise ValueError(f"subject is {subject!r}, but {field} is {data[field]!r}: give one of them")
    body["data"] = data
    encoded = msgspec.json.encode(body)
    sent = msgspec.json.decode(encoded)
    return Event(
        id=sent["id"],
        type=type,
        subject=subject_of(type, sent["data"]) if isinstance(subject, EllipsisType) else subject,
        created_at=created_at,
        received_at=now,
        body=encoded,
    )


def run(  # noqa: PLR0913 - each by its name, and all with a default
    what: Handler | HandlerFunction | Router,
    event: Event,
    *,
    attempt: int | None = None,
    replay: int = 0,
    failures: int | None = None,
    after: Run | None = None,
    database: str | None = None,
    tables: "MetaData | None" = None,
    http: "httpx2.BaseTransport | None" = None,
    chaozcode: Fake | None = None,
    chucky: Fake | None = None,
) -> Run:
    """Run a handler once on the event, as a worker would, on a log in memory.

    A function runs with the options that it was registered with in its module, or with the default ones. A
    router must have exactly one handler for the event's type. Raises ValueError for an event of a type that
    the handler does not listen for.

    `after` is what came of the run before: this one is the next attempt, on the same log, and finds the steps
    of `ctx.once` and the rows of `ctx.transaction` there. `tables` are your own, made in the log. With
    `database`, a URL, the log is there instead of in memory. `http` answers the requests of `ctx.http`, such
    as httpx2.MockTransport; nothing is ever sent. `chaozcode` and `chucky` are what answers `ctx.chaozcode`
    and `ctx.chucky`: `FakeChaozCode` and `FakeChucky` of `hooks_testkit`.

    `failures` is how many attempts failed before this one: with as many as the handler has retries, a failure
    is its last. Backoff has no jitter here, so that delays are exact.
    """
    handler = _handler(what, event)
    if not handler.matches(event.type):
        raise ValueError(
            f"handler {handler.name} listens for {', '.join(handler.patterns)},"
            f" so no worker would call it with an event of type {event.type!r}"
        )
    if after is not None and (database is not None or tables is not None):
        raise ValueError("after= goes on with the log of that run, so give it neither database= nor tables=")
    rehearsal = after._rehearsal if after else Rehearsal(database=database, tables=tables)  # noqa: SLF001
    number = (after.attempt + 1 if after else 1) if attempt is None else attempt
    failed = (after.failures if after else 0) if failures is None else failures
    delivery = RehearsedDelivery(rehearsal, event, handler, attempt=number, replay=replay)
    last_act = delivery.last_act()
    ends_at = monotonic() + handler.timeout_seconds
    capture = LogCapture()
    client = AttemptHttp(seconds=handler.timeout_seconds, transport=http)
    apis = AttemptApis(
        seconds=handler.timeout_seconds,
        chaozcode=chaozcode.access if chaozcode else None,
        chucky=chucky.access if chucky else None,
    )
    context = Context(
        log=logger_of(capture).bind(event_id=event.id, handler=handler.name, attempt=number),
        handler=handler.name,
        event_id=event.id,
        attempt=number,
        replay=replay,
        deadline=datetime.now(UTC) + timedelta(seconds=handler.timeout_seconds),
        open_transaction=last_act.open,
        run_once=Steps(delivery, Unshielded(), last_act, attempt=number, ends_at=ends_at).once,
        open_http=client.client if http else no_http,
        open_chaozcode=apis.chaozcode,
        open_chucky=apis.chucky,
    )
    try:
        outcome = attempt_once(
            handler, event, context, failures=failed, random=lambda: 0.0, now=lambda: event.received_at
        )
    finally:
        client.close()
        apis.close()
    if last_act.recorded is not None:
        outcome = Succeeded()
    has_failed = isinstance(outcome, Dead) or (isinstance(outcome, Retried) and outcome.counted)
    return Run(
        outcome=outcome,
        logs=tuple(capture.entries),
        attempt=number,
        failures=failed + has_failed,
        _rehearsal=rehearsal,
    )


def _handler(what: Handler | HandlerFunction | Router, event: Event) -> Handler:
    if isinstance(what, Handler):
        return what
    if isinstance(what, Router):
        matching = what.for_type(event.type)
        if len(matching) != 1:
            names = ", ".join(handler.name for handler in matching) or "none"
            raise ValueError(
                f"the router must have exactly one handler for {event.type!r}, but has: {names}; "
                "run the function itself"
            )
        return matching[0]
    return handler_of(what, event.type)


def handler_of(what: Handler | HandlerFunction, *patterns: str) -> Handler:
    """Give the handler that a function is registered as in its module; else one with default options."""
    if isinstance(what, Handler):
        return what
    name = getattr(what, "__name__", "")
    return _registered(what) or Handler.of(
        what, patterns or ("*",), name=None if name.isidentifier() else "handler", undocumented=True
    )


def _registered(function: HandlerFunction) -> Handler | None:
    module = sys.modules.get(getattr(function, "__module__", ""))
    routers = [value for value in vars(module).values() if isinstance(value, Router)] if module else []
    return next(
        (handler for router in routers for handler in router.handlers if handler.function is function), None
    )


def logger_of(capture: LogCapture, *first: Processor) -> FilteringBoundLogger:
    """Give a logger whose every line is captured, and goes nowhere else; `first` see it before."""
    logger: FilteringBoundLogger = structlog.wrap_logger(
        None, processors=[*first, capture], wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    return logger
