"""For your tests: make an event and run a handler on it, without Redis, a database or a worker.

    from handlers.testing import Succeeded, make_event, run

    def test_explains_a_failed_agent() -> None:
        result = run(explain, make_event("agent.failed", agentId="agent_1"))
        assert result.outcome == Succeeded()

Timeouts are not enforced here: `ctx.deadline` is set, but nothing stops a handler that overruns it.
A handler that uses `ctx.transaction()` needs a database: `run(handler, event, database="sqlite:///test.db")`.
"""

import sys
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import EllipsisType
from typing import Any

import msgspec
import structlog
from structlog.testing import LogCapture
from structlog.typing import FilteringBoundLogger

from eventlog.event import Event, subject_of

from .attempt import attempt as attempt_once
from .context import Context
from .outcome import Dead, Outcome, Retried, Skipped, Succeeded
from .registration import Handler, HandlerFunction
from .router import Router
from .transaction import LastAct

__all__ = ["Dead", "Outcome", "Retried", "Run", "Skipped", "Succeeded", "make_event", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of running a handler once."""

    outcome: Outcome
    """`Succeeded()`, `Skipped(reason)`, `Retried(...)` or `Dead(error)`."""
    logs: tuple[Mapping[str, Any], ...]
    """What it logged with `ctx.log`, in order: the fields, with the name as `event` and the `log_level`."""


def make_event(
    type: str,  # noqa: A002 - the event's field
    /,
    *,
    id: str | None = None,  # noqa: A002 - the event's field
    subject: str | EllipsisType | None = ...,
    created_at: datetime | EllipsisType | None = ...,
    **data: object,
) -> Event:
    """Make an event as ChaozCode would send it, with `data` as its data.

    The id is a new one unless given; the subject comes from the data; `created_at` is now, or absent if None.
    """
    now = datetime.now(UTC)
    if isinstance(created_at, EllipsisType):
        created_at = now.replace(microsecond=0)
    if created_at is not None and created_at.tzinfo is None:
        raise ValueError(f"created_at is {created_at!r} without a time zone: give an aware datetime")
    body: dict[str, object] = {"id": f"evt_{uuid.uuid4().hex}" if id is None else id, "type": type}
    if created_at is not None:
        body["createdAt"] = created_at.astimezone(UTC)
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


def run(
    what: Handler | HandlerFunction | Router,
    event: Event,
    *,
    attempt: int = 1,
    replay: int = 0,
    failures: int = 0,
    database: str | None = None,
) -> Run:
    """Run a handler once on the event, as a worker would.

    A function runs with the options that it was registered with in its module, or with the default ones. A
    router must have exactly one handler for the event's type. `failures` is how many attempts failed before
    this one: with as many as the handler has retries, a failure is its last. Backoff has no jitter here, so
    that delays are exact. `database` is a URL for `ctx.transaction()`: a log of its own is made there, and
    the handler's own tables are for the test to make.
    """
    handler = _handler(what, event)
    capture = LogCapture()
    context = Context(
        log=_logger(capture).bind(event_id=event.id, handler=handler.name, attempt=attempt),
        handler=handler.name,
        event_id=event.id,
        attempt=attempt,
        replay=replay,
        deadline=datetime.now(UTC) + timedelta(seconds=handler.timeout_seconds),
    )
    with _last_act(database, event, handler, attempt) as last_act:
        if last_act is not None:
            context = replace(context, open_transaction=last_act.open)
        outcome = attempt_once(handler, event, context, failures=failures, random=lambda: 0.0)
    is_recorded = last_act is not None and last_act.recorded is not None
    return Run(outcome=Succeeded() if is_recorded else outcome, logs=tuple(capture.entries))


def _last_act(
    database: str | None, event: Event, handler: Handler, attempt: int
) -> AbstractContextManager[LastAct | None]:
    if database is None:
        return nullcontext()
    from .rehearsal import last_act  # noqa: PLC0415 - most tests need no database

    return last_act(database, event, handler, attempt)


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
    name = getattr(what, "__name__", "")
    return _registered(what) or Handler.of(
        what, (event.type,), name=None if name.isidentifier() else "handler"
    )


def _registered(function: HandlerFunction) -> Handler | None:
    module = sys.modules.get(getattr(function, "__module__", ""))
    routers = [value for value in vars(module).values() if isinstance(value, Router)] if module else []
    return next(
        (handler for router in routers for handler in router.handlers if handler.function is function), None
    )


def _logger(capture: LogCapture) -> FilteringBoundLogger:
    logger: FilteringBoundLogger = structlog.wrap_logger(
        None, processors=[capture], wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    return logger
