"""A reply that comes in parts: read as it comes, closed whatever happens, never taken for whole when cut."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from .errors import MalformedReply, StreamCut, TransportFailed
from .reply import Reply, json_type, read_json
from .sse import Decoder, ServerSentEvent

Part = TypeVar("Part", bound=Reply)


class EventStream(ABC, Generic[Part]):
    """Iterates once over the parts of one reply; to be used by `with`, or by `for` alone.

    The call is made on entering the `with` block, or at the first part. Where the reply ends before its last
    event, the iteration raises `StreamCut`.
    """

    def __init__(self, call: AbstractContextManager[Iterable[bytes]], *, scrub: Callable[[str], str]) -> None:
        """`call` is made when it is entered, and ended when it is left; `scrub` strikes secrets."""
        self._call: AbstractContextManager[Iterable[bytes]] | None = call
        self._scrub = scrub
        self._open_call = ExitStack()
        self._events: Iterator[ServerSentEvent] | None = None
        self._received: list[Part] = []
        self._is_whole = False

    @property
    def received(self) -> tuple[Part, ...]:
        """The parts that have come so far."""
        return tuple(self._received)

    @property
    @abstractmethod
    def text(self) -> str:
        """The text that has come so far."""

    @abstractmethod
    def _read(self, event: ServerSentEvent, document: Mapping[str, Any]) -> Part:
        """Give the part that an event is; raises what the event reports."""

    @abstractmethod
    def _take(self, part: Part) -> bool:
        """Note what the part tells of the reply, and give whether it is the last; raises what it reports."""

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Part]:
        return self

    def __next__(self) -> Part:
        self._open()
        if self._events is None:
            raise StopIteration
        try:
            part = self._next_part(self._events)
        except BaseException:  # whatever it is, a worker's timer too, leaves no connection open
            self.close()
            raise
        if self._is_whole:
            self.close()
        return part

    def close(self) -> None:
        """End the call; what has come stays readable."""
        self._call = None
        self._events = None
        self._open_call.close()

    def _open(self) -> None:
        if self._call is not None:
            call, self._call = self._call, None
            self._events = _events(self._open_call.enter_context(call), self._scrub)

    def _next_part(self, events: Iterator[ServerSentEvent]) -> Part:
        try:
            event = next(events, None)
        except TransportFailed as error:
            raise self._cut(f"the stream broke off: {error}") from error
        if event is None:
            raise self._cut("the stream ended before its last event")
        part = self._read(event, _document(event))
        self._received.append(part)
        self._is_whole = self._take(part)
        return part

    def _cut(self, what: str) -> StreamCut:
        parts = f"{count} parts" if (count := len(self._received)) != 1 else "1 part"
        return StreamCut(f"{what}, after {parts}", received=self._received, text=self.text)


def _events(chunks: Iterable[bytes], scrub: Callable[[str], str]) -> Iterator[ServerSentEvent]:
    # No method: who leaves a `for` loop early has the call ended, as nothing holds the stream in a circle.
    decoder = Decoder()
    for chunk in chunks:
        for event in decoder.feed(chunk):
            if event.data or event.event != "message":  # some keep a connection alive by empty messages
                yield replace(event, data=scrub(event.data))


def reports_error(event: ServerSentEvent, document: Mapping[str, Any]) -> bool:
    """Tell whether an event is an error: by its name or type, or, without a type, by what it holds.

    Neither API documents such an event.
    """
    kind = document.get("type")
    return event.event == "error" or kind == "error" or (kind is None and bool(document.get("error")))


def _document(event: ServerSentEvent) -> Mapping[str, Any]:
    try:
        document = read_json(event.data or "{}")
    except (ValueError, RecursionError) as error:
        if event.event == "error":
            return {"error": event.data}
        # Without its cause, which holds the whole text.
        raise MalformedReply(f"an event of the stream holds no JSON: {error}") from None
    if not isinstance(document, dict):
        if event.event == "error":
            return {"error": event.data}
        raise MalformedReply(
            f"an event of the stream should be a JSON object, but it is {json_type(document)}"
        )
    return document
