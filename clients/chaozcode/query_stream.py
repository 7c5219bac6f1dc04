"""`POST /query/stream`: an answer that is read while it is made ("Stream Response Format")."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from clients.event_stream import EventStream, reports_error
from clients.one_line import one_line
from clients.reply import Reply
from clients.sse import ServerSentEvent

from .error_reply import BY_CODE
from .errors import ChaozCodeError, UnexpectedStatus
from .query import TokenUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPart(Reply):
    """An event of a type that the reference does not name."""

    type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStarted(StreamPart):
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta(StreamPart):
    content: str | None = None
    """The text that comes next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(StreamPart):
    """The last part; the answer is whole."""

    usage: TokenUsage | None = None


_PARTS: Final[Mapping[object, type[StreamPart]]] = {"start": StreamStarted, "delta": Delta, "done": Done}


class QueryStream(EventStream[StreamPart]):
    """The parts of an answer; `text`, `id` and `usage` tell what has come so far.

        with client.query.stream("Explain REST") as stream:
            for part in stream:
                ...
        stream.text

    An error that the stream reports raises what the same error would as a reply.
    """

    def __init__(self, call: AbstractContextManager[Iterable[bytes]], *, scrub: Callable[[str], str]) -> None:
        super().__init__(call, scrub=scrub)
        self._texts: list[str] = []
        self.id: str | None = None
        self.usage: TokenUsage | None = None
        """None until the last part has come."""

    @property
    def text(self) -> str:
        return "".join(self._texts)

    def _read(self, event: ServerSentEvent, document: Mapping[str, Any]) -> StreamPart:
        if reports_error(event, document):
            raise _reported(document)
        kind = document.get("type", event.event)
        known = _PARTS.get(kind) if isinstance(kind, str) else None
        return (known or StreamPart).from_json(document)

    def _take(self, part: StreamPart) -> bool:
        match part:
            case StreamStarted():
                self.id = part.id
            case Delta():
                self._texts.append(part.content or "")
            case Done():
                self.usage = part.usage
        return isinstance(part, Done)


def _reported(document: Mapping[str, Any]) -> ChaozCodeError:
    """Make an error of an event; the reference has none, so it may be in an error reply's form, or bare."""
    inner = document.get("error")
    told = inner if isinstance(inner, Mapping) else {"message": inner, **document}
    code, message, request_id = (_text(told.get(name)) for name in ("code", "message", "requestId"))
    details = told.get("details")
    status, kind = BY_CODE.get(code or "", (200, UnexpectedStatus))
    words = (one_line(word) for word in ("the stream reported an error", code, message) if word)
    return kind(
        ": ".join(word for word in words if word),
        status=status,
        code=code,
        details=details if isinstance(details, Mapping) else None,
        request_id=request_id,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
