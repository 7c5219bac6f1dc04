"""An incident as a test: the event, redacted, and a run of the handler on it that fails as it did."""

import ast
import inspect
import re
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import click

from console.events.redaction import NotRedactable, redact
from console.rendering import iso_time
from console.visible import visible_line
from eventlog.detail import EventDetail, FailedAttempt
from eventlog.event import Event, UndecodableData, subject_of
from handlers.discovery import discover
from handlers.errors import HandlerError
from handlers.loading import routers_of
from handlers.registration import Handler
from handlers.settings import HandlerSettings

_LINE_BYTES: Final = 80
_WIDTH: Final = 100

_MODULE: Final = '''"""{headline}

{origin}

{redaction}
"""

from datetime import datetime

from handlers import Event
from handlers.testing import run
{import_line}

EVENT = Event(
    id={id!r},
    type={type!r},
    subject={subject!r},
    created_at={created_at},
    received_at={received_at},
    body=(
{body}
    ),
)


def test_{name}() -> None:
{comment}    result = run({handler}, EVENT)
    assert result.error is None, result.error.traceback
'''
_REDACTED: Final = (
    "The texts in the event were replaced by others of the same shape; those that the handler's own module"
    " names were kept. Where this passes although the handler is still as it was, the incident hung on one of"
    " the texts: export it again with --no-redact."
)
_WHOLE: Final = "Nothing in the event was redacted: look through it before you share it."
_NEEDS: Final = (
    "A handler that asks others needs answers in their place: run(..., http=...); rows of your own need their"
    " tables: run(..., tables=Base.metadata)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Importable:
    line: str
    expression: str


def incident_test(event: EventDetail, *, handler_name: str | None, with_redaction: bool) -> str:
    """Write the test module of an event's last failure. Raises `ClickException` where there can be none."""
    failure = _failure(event, handler_name)
    if event.body is None:
        raise click.ClickException(f"the body of event {visible_line(event.id)} is no longer kept")
    handler = _registered(failure.handler)
    body = _redacted(event.body, handler) if with_redaction else event.body
    importable = _import_of(handler)
    command = f"hooks events export {event.id} --handler {failure.handler} --pytest"
    origin = (
        f"Attempt {failure.attempt} failed at {iso_time(failure.failed_at)} (fingerprint"
        f" {failure.fingerprint}). Written by: {command}{'' if with_redaction else ' --no-redact'}"
    )
    return _MODULE.format(
        headline=_quoted(f"{failure.error_type} in handler {failure.handler}, on event {event.id}."),
        origin=_quoted(origin),
        redaction=_quoted(f"{_REDACTED if with_redaction else _WHOLE} {_NEEDS}"),
        import_line=importable.line,
        handler=importable.expression,
        id=event.id,
        type=event.type,
        subject=_subject(event, body),
        created_at=_moment(event.created_at),
        received_at=_moment(event.received_at),
        body=_literal(body),
        name=re.sub(r"\W+", "_", f"{failure.handler}_takes_{event.id}", flags=re.ASCII),
        comment="" if with_redaction else _comment(f"{failure.error_type}: {failure.message}"),
    )


def _failure(event: EventDetail, handler_name: str | None) -> FailedAttempt:
    shown = visible_line(event.id)
    failed = tuple(dict.fromkeys(failure.handler for failure in event.failures))
    if not failed:
        raise click.ClickException(f"event {shown} has no failed delivery, so there is nothing to test")
    if handler_name is None and len(failed) > 1:
        raise click.UsageError(f"several handlers failed on event {shown}: add --handler {'|'.join(failed)}")
    wanted = failed[0] if handler_name is None else handler_name
    if wanted not in failed:
        raise click.ClickException(
            f"handler {visible_line(wanted)} has not failed on event {shown}; failed has: {', '.join(failed)}"
        )
    return [failure for failure in event.failures if failure.handler == wanted][-1]


def _registered(name: str) -> Handler:
    try:
        router = discover(HandlerSettings())
    except HandlerError as error:
        raise click.ClickException(str(error)) from error
    for handler in router.handlers:
        if handler.name == name:
            return handler
    raise click.ClickException(
        f"no handler named {name} is registered here; is HOOKS_HANDLERS set as for the worker?"
        " The registered ones are shown by: hooks handlers list"
    )


def _import_of(handler: Handler) -> _Importable:
    module_name = getattr(handler.function, "__module__", "")
    name = getattr(handler.function, "__name__", "")
    module = sys.modules.get(module_name)
    if module is not None and name.isidentifier() and getattr(module, name, None) is handler.function:
        return _Importable(line=f"\nfrom {module_name} import {name}", expression=name)
    for router in routers_of(module) if module else []:
        if any(each.function is handler.function for each in router.handlers):
            (variable,) = [key for key, value in vars(module).items() if value is router][:1]
            wanted = f"next(each for each in {variable}.handlers if each.name == {handler.name!r})"
            return _Importable(line=f"\nfrom {module_name} import {variable}", expression=wanted)
    raise click.ClickException(
        f"handler {handler.name} ({handler.source}) can't be imported by a test: define it as a function, or"
        " its router, at the top level of its module"
    )


def _redacted(body: bytes, handler: Handler) -> bytes:
    try:
        return redact(body, keep=_texts_of(handler))
    except NotRedactable as error:
        raise click.ClickException(
            f"the event's body can't be redacted: {error}; with --no-redact it is written as it is"
        ) from error


def _texts_of(handler: Handler) -> frozenset[str]:
    """Give the texts that the handler's module names: what it tells apart, and no secret of an event's."""
    module = sys.modules.get(getattr(handler.function, "__module__", ""))
    try:
        tree = ast.parse(inspect.getsource(module)) if module else ast.Module(body=[], type_ignores=[])
    except (OSError, TypeError, SyntaxError):
        return frozenset()
    return frozenset(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _subject(event: EventDetail, body: bytes) -> str | None:
    # Taken anew: it stands in the data, and may have been redacted there.
    made = Event(id=event.id, type=event.type, received_at=event.received_at, body=body)
    try:
        return None if event.subject is None else subject_of(event.type, made.data)
    except UndecodableData:
        return None


def _moment(moment: datetime | None) -> str:
    return "None" if moment is None else f"datetime.fromisoformat({moment.isoformat()!r})"


def _literal(body: bytes) -> str:
    pieces = [body[start : start + _LINE_BYTES] for start in range(0, len(body), _LINE_BYTES)] or [b""]
    return "\n".join(f"        {piece!r}" for piece in pieces)


def _quoted(text: str) -> str:
    wrapped = click.wrap_text(visible_line(text), _WIDTH)
    return wrapped.replace("\\", "\\\\").replace('"', '\\"')


def _comment(text: str) -> str:
    return "".join(f"    # {visible_line(line)}\n" for line in text.splitlines()[:20])
