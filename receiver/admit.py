"""First step: admit. Is this request signed, and is it an event? No I/O, no HTTP framework."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from eventlog.event import Event, UndecodableData, subject_of
from eventlog.tables import ID_BYTES, SUBJECT_BYTES, TYPE_BYTES
from receiver.answer import UNSIGNED, Refusal, invalid, unusable
from receiver.signature import verify

_UNSTORABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and lone surrogates, which are no characters at all."""


class _Envelope(msgspec.Struct):
    id: Any = None
    type: Any = None
    createdAt: Any = None  # noqa: N815 - ChaozCode's name


_ENVELOPES: Final = msgspec.json.Decoder(_Envelope)


def admit(body: bytes, signature: str | None, *, keys: Sequence[bytes], now: datetime) -> Event | Refusal:
    """Check one request's body against its signature header, and read the event's envelope.

    Only `id` and `type` are required, and taken from the body alone: nothing else is signed.
    """
    if not verify(body, signature, keys):
        return UNSIGNED
    try:
        envelope = _ENVELOPES.decode(body)
    except msgspec.ValidationError:
        return invalid("it is JSON of another kind")
    except (msgspec.DecodeError, UnicodeError, ValueError):
        return invalid("it can't be decoded")
    except RecursionError:
        return invalid("it is nested too deeply")

    for name, value, limit in (("id", envelope.id, ID_BYTES), ("type", envelope.type, TYPE_BYTES)):
        if (fault := _fault_of(value, limit)) is not None:
            return unusable(name, fault)
    return _with_subject(
        Event(
            id=envelope.id,
            type=envelope.type,
            created_at=_read_time(envelope.createdAt),
            received_at=now,
            body=body,
        )
    )


def _fault_of(value: Any, limit: int) -> str | None:  # noqa: ANN401 - whatever the sender put there
    if value is None:
        return "is missing"
    if not isinstance(value, str):
        return "must be a string"
    if not value:
        return "must not be empty"
    if _UNSTORABLE.search(value):
        return "must not hold control characters or lone surrogates"
    if len(value.encode()) > limit:
        return f"must not be longer than {limit} bytes"
    return None


def _read_time(value: Any) -> datetime | None:  # noqa: ANN401
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _with_subject(event: Event) -> Event:
    # The subject is a convenience read from data that is mostly undocumented: it never refuses an event.
    try:
        subject = subject_of(event.type, event.data)
    except UndecodableData:
        return event
    if _fault_of(subject, SUBJECT_BYTES) is not None:
        return event
    return Event(
        id=event.id,
        type=event.type,
        subject=subject,
        created_at=event.created_at,
        received_at=event.received_at,
        body=event.body,
    )
