"""First step: admit. Is this request signed, and is it an event? No I/O, no HTTP framework."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from eventlog.event import SUBJECT_FIELDS, UNDECODABLE, Event, data_in, subject_field, subject_of
from eventlog.tables import ID_BYTES, SUBJECT_BYTES, TYPE_BYTES
from receiver.answer import UNSIGNED, Refusal, invalid, unusable
from receiver.signature import verify

_UNSTORABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and lone surrogates, which are no characters at all."""


_NULL: Final = msgspec.Raw(b"null")

_Subjects: Final = msgspec.defstruct(
    "_Subjects", [(name, msgspec.Raw, _NULL) for name in SUBJECT_FIELDS], bases=(msgspec.Struct,)
)


class _BareEnvelope(msgspec.Struct):
    id: msgspec.Raw = _NULL
    type: msgspec.Raw = _NULL
    createdAt: msgspec.Raw = _NULL  # noqa: N815 - ChaozCode's name


class _Envelope(_BareEnvelope):
    """A body of which only what is read here is made: of the rest only its grammar is looked at."""

    data: _Subjects | list[msgspec.Raw] | str | float | bool | None = None  # type: ignore[valid-type]


_ENVELOPES: Final = msgspec.json.Decoder(_Envelope)
_BARE_ENVELOPES: Final = msgspec.json.Decoder(_BareEnvelope)
_VALUES: Final = msgspec.json.Decoder()


def admit(body: bytes, signature: str | None, *, keys: Sequence[bytes], now: datetime) -> Event | Refusal:
    """Check one request's body against its signature header, and read the event's envelope.

    Only `id` and `type` are required, and taken from the body alone: nothing else is signed.
    Of a key that comes more than once the last counts, here and in `Event.data`, as in most JSON parsers.
    """
    if not verify(body, signature, keys):
        return UNSIGNED
    try:
        envelope = _read(body)
    except msgspec.ValidationError:
        return invalid("it is JSON of another kind")
    except (msgspec.DecodeError, UnicodeError, ValueError):
        return invalid("it can't be decoded")
    except RecursionError:
        return invalid("it is nested too deeply")

    for name, limit in (("id", ID_BYTES), ("type", TYPE_BYTES)):
        if (fault := _fault_of(envelope[name], limit)) is not None:
            return unusable(name, fault)
    return Event(
        id=envelope["id"],
        type=envelope["type"],
        subject=_storable(envelope["subject"]),
        created_at=_read_time(envelope["createdAt"]),
        received_at=now,
        body=body,
    )


def _read(body: bytes) -> Mapping[str, Any]:
    """Decode what is needed of the body; what can't be decoded so is taken apart with more patience."""
    try:
        raw = _ENVELOPES.decode(body)
        event_type = _VALUES.decode(raw.type)
        return {
            "id": _VALUES.decode(raw.id),
            "type": event_type,
            "createdAt": _VALUES.decode(raw.createdAt),
            "subject": _subject_in(event_type, raw.data),
        }
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _read_patiently(body)


def _subject_in(event_type: Any, data: Any) -> Any:  # noqa: ANN401 - whatever the sender put there
    field = subject_field(event_type) if isinstance(event_type, str) else None
    return _VALUES.decode(getattr(data, field)) if field and isinstance(data, _Subjects) else None


def _read_patiently(body: bytes) -> Mapping[str, Any]:
    try:
        raw = _BARE_ENVELOPES.decode(body)
        found = {"id": _value(raw.id), "type": _value(raw.type), "createdAt": _value(raw.createdAt)}
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        found = _read_loose_envelope(body)
    is_named = isinstance(found["type"], str)
    return {**found, "subject": subject_of(found["type"], _data_or_none(body)) if is_named else None}


def _data_or_none(body: bytes) -> Any:  # noqa: ANN401 - whatever the sender put there
    try:
        return data_in(body)
    except UNDECODABLE:
        return None


def _value(raw: msgspec.Raw) -> Any:  # noqa: ANN401 - whatever the sender put there
    try:
        return _VALUES.decode(raw)
    except msgspec.ValidationError:
        return float(0)  # a number past all bounds: any other will do, as no number is of use


def _read_loose_envelope(body: bytes) -> dict[str, Any]:
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
    if value.isascii() and value.isprintable():
        size = len(value)
    elif _UNSTORABLE.search(value):
        return "must not hold control characters or lone surrogates"
    else:
        size = len(value.encode())
    return None if size <= limit else f"must not be longer than {limit} bytes"


def _read_time(value: Any) -> datetime | None:  # noqa: ANN401
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _storable(subject: Any) -> str | None:  # noqa: ANN401
    # A convenience, read from data that is mostly undocumented: it never refuses an event.
    return subject if _fault_of(subject, SUBJECT_BYTES) is None else None
