"""The lines that a process prints, each of bounded length: a handler may print a gigabyte without an end."""

from collections.abc import Iterator
from typing import IO, Final

LINE_BYTES: Final = 64 * 1024
"""Longer lines are cut; what our own processes log is shorter."""


def bounded_lines(stream: IO[bytes]) -> Iterator[str]:
    """Read lines to the end of the stream; of a longer one its beginning, and how much was left out."""
    while start := stream.readline(LINE_BYTES):
        left_out = 0
        piece = start
        while piece and not piece.endswith(b"\n"):
            piece = stream.readline(LINE_BYTES)
            left_out += len(piece.rstrip(b"\r\n"))
        text = start.rstrip(b"\r\n").decode(errors="backslashreplace")
        yield f"{text} ... {left_out:,} bytes left out" if left_out else text
