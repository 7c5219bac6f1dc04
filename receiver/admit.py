"""First step: admit. Is this request signed, and is it an event? No I/O, no HTTP framework."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from eventlog.event import Event, UndecodableData, subject_of
from eventlog.tables import ID_BYTES, SUBJECT_BYTES, TYPE_BYTES
from receiver.answer import UNSIGNED, Refusal, invalid, unusable
from receiver.signature import verify

_UNSTORABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and lone surrogates, which are no characters at all."""


_NULL: Final = msgspec.Raw(b"null")


class _Envelope(msgspec.Struct):
    id: msgspec.Raw = _NULL
    type: msgspec.Raw = _NULL
    createdAt: msgspec.Raw = _NULL  # noqa: N815 - ChaozCode's name


_ENVELOPES: Final = msgspec.json.Decoder(_Envelope)
_VALUES: Final = msgspec.json.Decoder()


def admit(body: bytes, signature: str | None, *, keys: Sequence[bytes], now: datetime) -> Event | Refusal:
    """Check one request's body against its signature header, and read the event's envelope.

    Only `id` and `type` are required, and taken from the body alone: nothing else is signed.
    Of a key that comes more than once the last counts, here and in `Event.data`, as in most JSON parsers.
    """
    if not verify(body, signature, keys):
        return UNSIGNED
    try:
        envelope = _read_envelope(body)
    except msgspec.ValidationError:
        return invalid("it is JSON of another kind")
    except (msgspec.DecodeError, UnicodeError, ValueError):
        return invalid("it can't be decoded")
    except RecursionError:
        return invalid("it is nested too deeply")

    for name, limit in (("id", ID_BYTES), ("type", TYPE_BYTES)):
        if (fault := _fault_of(envelope[name], limit)) is not None:
            return unusable(name, fault)
    return _with_subject(
        Event(
            id=envelope["id"],
            type=envelope["type"],
            created_at=_read_time(envelope["createdAt"]),
            received_at=now,
            body=body,
        )
    )


def _read_envelope(body: bytes) -> Mapping[str, Any]:
    try:
        raw = _ENVELOPES.decode(body)
        return {"id": _value(raw.id), "type": _value(raw.type), "createdAt": _value(raw.createdAt)}
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return _read_loose_envelope(body)


def _value(raw: msgspec.Raw) -> Any:  # noqa: ANN401 - whatever the sender put there
    try:
        return _VALUES.decode(raw)
    except msgspec.ValidationError:
        return float(0)  # a number past all bounds: any other will do, as no number is of use


def _read_loose_envelope(body: bytes) -> Mapping[str, Any]:
    # JavaScript's JSON.stringify writes a text that was cut within an emoji with half a surrogate pair, as
    # an escape. JSON's grammar allows that, msgspec does not.
    found = json.loads(body.decode(), parse_constant=_refuse_constant, parse_int=float)
    if not isinstance(found, dict):
        raise msgspec.ValidationError
    return {name: found.get(name) for name in ("id", "type", "createdAt")}


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


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
