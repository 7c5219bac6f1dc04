"""Server-sent events from bytes, by the rules of the WHATWG ("Interpreting an event stream"), without I/O.

httpx2 has a decoder of its own, but that one reads from a response and is private below that, keeps a byte
order mark, gives events without data, and holds an event back whose last line ends in a lone CR.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .errors import MalformedReply

LONGEST_EVENT: Final = 8 * 1024 * 1024
"""Characters of one event's data, or of one line: what comes without an end must not fill the memory."""

_MOST_RETRY_DIGITS: Final = 15
"""More name no time that anybody could wait for, and Python refuses to read thousands of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSentEvent:
    event: str = "message"
    data: str
    id: str = ""
    """The last id that came, with this event or before."""


class Decoder:
    """Takes one stream's bytes as they come, and gives its events, each as soon as it is whole.

    What has come of an event when the stream ends is no event.
    """

    def __init__(self, longest_event: int = LONGEST_EVENT) -> None:
        self._lines = _Lines(longest_event)
        self._longest_event = longest_event
        self._data: list[str] = []
        self._data_length = 0
        self._event = ""
        self._id = ""
        self.retry_milliseconds: int | None = None
        """How long to wait before connecting anew, where the stream named that."""

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """Give the events that end in this chunk; to be exhausted before the next one is fed.

        Raises `MalformedReply` at an event, or a line, that is too long.
        """
        for line in self._lines.feed(chunk):
            if line:
                self._take_field(line)
            elif self._data:
                yield self._dispatch()
            else:
                self._event = ""

    def _dispatch(self) -> ServerSentEvent:
        whole = ServerSentEvent(event=self._event or "message", data="\n".join(self._data), id=self._id)
        self._data, self._data_length, self._event = [], 0, ""
        return whole

    def _take_field(self, line: str) -> None:
        name, _, value = line.partition(":")  # a comment's name is empty
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._data_length += len(value) + 1
            _require_short(self._data_length, self._longest_event)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit() and len(value) <= _MOST_RETRY_DIGITS:
            self.retry_milliseconds = int(value)


class _Lines:
    """Lines from bytes: each ends in CRLF, LF or CR; given as soon as its end has come."""

    def __init__(self, longest: int) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._longest = longest
        self._unfinished: list[str] = []
        self._unfinished_length = 0
        self._at_start = True
        self._after_cr = False

    def feed(self, chunk: bytes) -> Iterator[str]:
        text = self._decode(chunk)
        if not text:
            return
        if self._at_start:
            self._at_start = False
            text = text.removeprefix("\ufeff")
        if self._after_cr:
            # That line was given at its CR, without waiting for what follows.
            text = text.removeprefix("\n")
        self._after_cr = text.endswith("\r")
        first, *rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._keep(first)
        for part in rest:
            yield "".join(self._unfinished)
            self._unfinished, self._unfinished_length = [], 0
            self._keep(part)

    def _keep(self, part: str) -> None:
        if part:
            self._unfinished.append(part)
            self._unfinished_length += len(part)
            _require_short(self._unfinished_length, self._longest)


def _require_short(length: int, longest: int) -> None:
    if length > longest:
        raise MalformedReply(f"an event of the stream is longer than {longest} characters")
