"""The bytes that a sender may have signed in the body's place."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, Final

from receiver.explain.deviation import Deviation

_LONGEST: Final = 64 * 1024
_TIMES_LONGER: Final = 4
"""Longer than both is given up: a deeply nested body, indented, could fill the memory."""
_BOM: Final = b"\xef\xbb\xbf"

_FRACTION: Final = re.compile(rb"\d[.eE]")
_SAME_BYTES: Final = "sign and send the very same bytes: a proxy or the sender changes them in between"


def bodies(body: bytes) -> Iterator[tuple[bytes, tuple[Deviation, ...]]]:
    """Give the body itself, then what may have been signed of it."""
    yield body, ()
    for changed, cause, what in chain(_changed_bytes(body), _encodings(body), _serialised(body)):
        if changed != body:
            yield changed, (Deviation(cause=cause, what=f"it was made over {what}", todo=_SAME_BYTES),)


def _changed_bytes(body: bytes) -> Iterator[tuple[bytes, str, str]]:
    line_break = "trailing-newline"
    for ending in (b"\n", b"\r\n"):
        yield body + ending, line_break, "the body with a line break behind it, which did not arrive"
        yield body.removesuffix(ending), line_break, "the body without the line break behind it"
    yield body.strip(), "white-space", "the body without the white space around it"
    yield body.replace(b"\r\n", b"\n"), "line-breaks", "the body with line breaks LF, which came as CRLF"
    unix = body.replace(b"\r\n", b"\n")
    yield unix.replace(b"\n", b"\r\n"), "line-breaks", "the body with line breaks CRLF, which came as LF"
    yield body.removeprefix(_BOM), "byte-order-mark", "the body without the byte order mark before it"
    yield _BOM + body, "byte-order-mark", "the body with a byte order mark, which did not arrive"
    yield b"", "empty-body", "an empty body"


def _encodings(body: bytes) -> Iterator[tuple[bytes, str, str]]:
    digest = hashlib.sha256(body)
    yield digest.hexdigest().encode(), "signed-twice", "the body's SHA-256 in hex, not the body"
    yield digest.digest(), "signed-twice", "the body's SHA-256, not the body"
    yield base64.b64encode(body), "encoded-body", "the body in base64"
    yield body.hex().encode(), "encoded-body", "the body in hex"


def _serialised(body: bytes) -> Iterator[tuple[bytes, str, str]]:
    cause = "re-serialised"
    longest = max(_LONGEST, _TIMES_LONGER * len(body))
    # JavaScript writes 1.0 as 1: that matters only where there is such a number.
    for read in (json.loads, _loads_as_javascript) if _FRACTION.search(body) else (json.loads,):
        try:
            value = read(body)
        except (ValueError, RecursionError):
            return
        for how, write in _WRITERS.items():
            for order in ("", " and its keys sorted"):
                written = _written(write, value, sort_keys=bool(order), longest=longest)
                if written is not None:
                    yield written, cause, f"the same JSON written otherwise: {how}{order}"
        if isinstance(value, dict) and "data" in value:
            for how in ("compact", "compact, in ASCII"):
                written = _written(_WRITERS[how], value["data"], sort_keys=False, longest=longest)
                if written is not None:
                    yield written, "data-only", "the event's data alone"


def _loads_as_javascript(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(body, parse_float=lambda text: int(n) if (n := float(text)).is_integer() else n)


def _written(
    write: Callable[..., Iterator[str]],
    value: Any,  # noqa: ANN401
    *,
    sort_keys: bool,
    longest: int,
) -> bytes | None:
    pieces: list[str] = []
    length = 0
    try:
        for piece in write(value, sort_keys):
            pieces.append(piece)
            length += len(piece)
            if length > longest:
                return None
        return "".join(pieces).encode()
    except (ValueError, RecursionError, TypeError):
        return None


def _encoder(
    *, separators: tuple[str, str], ascii_only: bool = False, indent: int | None = None
) -> Callable[[Any, bool], Iterator[str]]:
    def write(value: Any, sort_keys: bool) -> Iterator[str]:  # noqa: ANN401
        encoder = json.JSONEncoder(
            separators=separators, ensure_ascii=ascii_only, indent=indent, sort_keys=sort_keys
        )
        # Piece by piece is slow, and needed only where what comes out can be far longer than what went in.
        return iter((encoder.encode(value),)) if indent is None else encoder.iterencode(value)

    return write


def _escaping(escapes: dict[int, str], *, ascii_only: bool) -> Callable[[Any, bool], Iterator[str]]:
    plain = _encoder(separators=(",", ":"), ascii_only=ascii_only)

    def write(value: Any, sort_keys: bool) -> Iterator[str]:  # noqa: ANN401
        for piece in plain(value, sort_keys):
            yield piece.translate(escapes)

    return write


_WRITERS: Final = {
    "compact": _encoder(separators=(",", ":")),
    "compact, in ASCII": _encoder(separators=(",", ":"), ascii_only=True),
    "with spaces": _encoder(separators=(", ", ": ")),
    "with spaces, in ASCII": _encoder(separators=(", ", ": "), ascii_only=True),
    "indented by two": _encoder(separators=(",", ": "), indent=2),
    "indented by two, in ASCII": _encoder(separators=(",", ": "), indent=2, ascii_only=True),
    "indented by four": _encoder(separators=(",", ": "), indent=4),
    "with slashes escaped, as PHP does": _escaping({ord("/"): "\\/"}, ascii_only=True),
    "with <, > and & escaped, as Go does": _escaping(
        {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}, ascii_only=False
    ),
}
