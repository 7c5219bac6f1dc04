"""What a dry run's process is told and says, as lines of JSON."""

from typing import Any, Literal

import msgspec

Outcome = Literal["done", "skipped", "waiting", "dead", "crashed"]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One handler to be run on one event."""

    event_id: str
    handler: str
    timeout_seconds: float


class TrialError(msgspec.Struct, frozen=True, kw_only=True):
    """What the handler raised."""

    type: str
    message: str
    place: str
    """The line of the user's code, as "path:line"; empty where that can't be told."""


class RecordedCall(msgspec.Struct, frozen=True, kw_only=True):
    """One request that would have been sent."""

    method: str
    url: str


class Findings(msgspec.Struct, frozen=True, kw_only=True, tag="findings"):
    """What would have come of one trial."""

    outcome: Outcome
    milliseconds: float
    error: TrialError | None = None
    reason: str = ""
    """What `Skip` or `RetryLater` said."""
    retry_in_seconds: float | None = None
    uses_up_retry: bool = False
    rows: dict[str, dict[str, int]] = {}
    """By table: how many would have been `inserted`, `updated`, `deleted`."""
    statements: dict[str, int] = {}
    """By verb: statements whose table could not be told."""
    calls: tuple[RecordedCall, ...] = ()
    calls_left_out: int = 0


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The handlers are loaded."""


class Began(msgspec.Struct, frozen=True, tag="began"):
    """The trial was taken: how the process ends from now on is the handler's doing."""


class KillAt(msgspec.Struct, frozen=True, tag="kill_at"):
    """What runs is to be killed at this time of the monotonic clock, which the processes share."""

    monotonic: float


Said = Ready | Began | KillAt | Findings

_SAID: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)
_TRIAL: msgspec.json.Decoder[Trial] = msgspec.json.Decoder(Trial)


def line_of(message: Said | Trial) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def read_said(line: bytes) -> Said:
    """Read a line of the process; `msgspec.MsgspecError` for one that is none."""
    return _SAID.decode(line)


def read_trial(line: bytes) -> Trial:
    return _TRIAL.decode(line)


def as_json(findings: Findings) -> dict[str, Any]:
    """Give the findings as JSON values."""
    values: dict[str, Any] = msgspec.to_builtins(findings)
    values.pop("type", None)
    return values
