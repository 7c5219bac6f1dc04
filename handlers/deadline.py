"""The deadline: how long after its event's arrival a handler is still tried."""

from dataclasses import replace
from datetime import datetime, timedelta

from eventlog.event import Event

from .context import Context
from .duration import in_words
from .failure import MESSAGE_LIMIT, FailureDetail, describe
from .outcome import Retried
from .registration import Handler
from .storable import storable


class DeadlinePassed(Exception):  # noqa: N818 - named for what happened
    """The event arrived too long ago for another attempt."""


def deadline_of(handler: Handler, event: Event, context: Context) -> datetime | None:
    """Return the time after which no attempt may begin; None in a replay, whose events are old as a rule."""
    if handler.retry.deadline is None or context.is_replay:
        return None
    return event.received_at + handler.retry.deadline


def missed(handler: Handler) -> FailureDetail:
    """Describe that an attempt came too late to be made."""
    return describe(
        DeadlinePassed(f"{_rule(handler)}: this one came too late, and the handler was not called")
    )


def out_of_time(handler: Handler, retried: Retried) -> FailureDetail:
    """Describe that an attempt would be followed by another one too late; its own error goes with it."""
    wait = timedelta(seconds=round(retried.delay.total_seconds(), 1))
    rule = f"{_rule(handler)}, and the next was due in {in_words(wait)}"
    cause = retried.error
    if cause is None:
        reason = f": {retried.reason}" if retried.reason else ""
        return describe(DeadlinePassed(f"{rule}, as was asked for{reason}"))
    own = describe(DeadlinePassed(storable(f"{rule}; this one failed with {_words(cause)}", MESSAGE_LIMIT)))
    # Of one cause with the failures before it, and found together with them.
    return replace(own, traceback=f"{cause.traceback}\n{own.traceback}", fingerprint=cause.fingerprint)


def _rule(handler: Handler) -> str:
    assert handler.retry.deadline is not None  # noqa: S101 - asked for only where there is one
    return f"no attempt begins later than {in_words(handler.retry.deadline)} after the event's arrival"


def _words(cause: FailureDetail) -> str:
    return f"{cause.error_type}: {cause.message}" if cause.message else cause.error_type
