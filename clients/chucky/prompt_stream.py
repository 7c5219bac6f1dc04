"""A prompt's messages, read while they are made ("SSE Response")."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from clients.errors import ApiError
from clients.event_stream import EventStream, reports_error
from clients.sse import ServerSentEvent

from .error_reply import error_of
from .result import Message, Result, SessionEnded, read_message, require_success, whole_text


class PromptStream(EventStream[Message]):
    """The messages of a prompt; `text`, `result` and `session_id` tell what has come so far.

        with client.stream("Write a haiku") as stream:
            for message in stream:
                ...
        stream.text

    The session's id comes last, as a `SessionEnded`. A result that is no success raises `PromptFailed`, and
    an error that the stream reports raises what the same error would as a reply.
    """

    def __init__(
        self,
        call: AbstractContextManager[Iterable[bytes]],
        *,
        scrub: Callable[[str], str],
        explain: Callable[[ApiError], None],
    ) -> None:
        """`explain` completes an error that the stream reports."""
        super().__init__(call, scrub=scrub)
        self._explain = explain
        self.result: Result | None = None
        self.session_id: str | None = None

    @property
    def text(self) -> str:
        """The result's text; before it has come, what the assistant has said."""
        return whole_text(self.result, self.received)

    def _read(self, event: ServerSentEvent, document: Mapping[str, Any]) -> Message:
        if reports_error(event, document):
            error = error_of(document, status=200)
            self._explain(error)
            raise error
        return SessionEnded.from_json(document) if event.event == "done" else read_message(document)

    def _take(self, part: Message) -> bool:
        if isinstance(part, Result):
            self.result = part
            require_success(part)
        if isinstance(part, SessionEnded):
            self.session_id = part.session_id
        return isinstance(part, SessionEnded)
