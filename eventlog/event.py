"""An event as it was received: what the receiver accepts, the log keeps and handlers are given."""

import json
import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NoReturn

import msgspec

KNOWN_TYPES: Final = (
    "memory.stored",
    "memory.updated",
    "memory.deleted",
    "agent.started",
    "agent.completed",
    "agent.failed",
    "project.updated",
    "usage.threshold",
)
"""The event types of ChaozCode's API reference, "Webhook Endpoints: Available Events"."""

_SUBJECTS: Final = {"memory": "memoryId", "agent": "agentId", "project": "projectId"}
"""Where `data` names what an event is about; memoryId is documented, the rest is taken from the REST API."""

SUBJECT_FIELDS: Final = tuple(_SUBJECTS.values())

_UNDECODED: Final = object()

UNDECODABLE: Final = (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError)


class UndecodableData(ValueError):  # noqa: N818 - errors here name what happened
    """The event's body was signed and stored, but its `data` can't be decoded."""

    permanent = True


class _Body(msgspec.Struct):
    data: Any = None


def subject_field(event_type: str) -> str | None:
    """Tell which field of `data` names what an event of this type is about, or None where none does."""
    return _SUBJECTS.get(event_type.partition(".")[0])


def subject_of(event_type: str, data: Any) -> str | None:  # noqa: ANN401 - whatever the sender put there
    """Find what an event is about, or None where its type has no subject or its data does not name it."""
    field_name = subject_field(event_type)
    subject = data.get(field_name) if field_name and isinstance(data, dict) else None
    return subject if isinstance(subject, str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One webhook event; equal when its fields are, whatever was decoded meanwhile."""

    id: str
    """ChaozCode's id of the event, at most 255 bytes of UTF-8."""
    type: str
    """For example `memory.stored`; may be a type that the documentation does not name."""
    subject: str | None = None
    """The id of the memory, agent or project it is about, where the data names one."""
    created_at: datetime | None = None
    """ChaozCode's `createdAt`, aware, or None where it is absent or no timestamp."""
    received_at: datetime
    """When the receiver took it in, aware, UTC."""
    body: bytes = field(repr=False)
    """The request's body, byte for byte."""
    _data: Any = field(default=_UNDECODED, init=False, repr=False, compare=False)

    @property
    def data(self) -> Any:  # noqa: ANN401 - undocumented for most types; annotate with a TypedDict of handlers.data
        """The event's `data`, decoded on first use; an empty dict where it is absent or null.

        Raises `UndecodableData`, which is permanent, for a body whose data no JSON decoder takes.
        """
        if self._data is _UNDECODED:
            object.__setattr__(self, "_data", self._decode())
        return self._data

    def _decode(self) -> Any:  # noqa: ANN401
        try:
            data = data_in(self.body)
        except UNDECODABLE as error:
            raise UndecodableData(f"the data of event {self.id} can't be decoded: {error}") from error
        return {} if data is None else data


def data_in(body: bytes) -> Any:  # noqa: ANN401
    """Decode the `data` of an event's body; raises one of `UNDECODABLE` where no JSON decoder takes it."""
    try:
        return msgspec.json.decode(body, type=_Body).data
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # JavaScript writes a text that was cut within an emoji with half a surrogate pair; JSON's grammar
        # allows that, msgspec does not.
        found = json.loads(body.decode(), parse_float=_finite, parse_constant=_refuse)
        return found.get("data")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"the number {number:.20} is out of range")
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
