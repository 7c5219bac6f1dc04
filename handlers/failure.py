"""A failed attempt, described so that it can be found, understood and grouped with its like."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from traceback import TracebackException, walk_tb
from types import TracebackType
from typing import Final

from .storable import storable, storable_ends

TYPE_LIMIT: Final = 255
MESSAGE_LIMIT: Final = 2_000
TRACEBACK_LIMIT: Final = 32_000

# Not resolved: a frame's file name is spelled as its module was imported, links and all.
_HANDLERS: Final = Path(__file__).parent
_DISPATCH_FILE: Final = str(_HANDLERS / "attempt.py")
_DISPATCH_FOLDER: Final = str(_HANDLERS.parent / "workers") + os.sep


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureDetail:
    """What is kept of an error, all of it text that either database can hold."""

    error_type: str
    """The qualified name, such as `httpx.ReadTimeout`; builtins without their module."""
    message: str
    traceback: str
    """As Python prints it, from the handler's own first frame on."""
    fingerprint: str
    """16 hex digits, equal for errors of one type from one path through the code.

    Neither line numbers nor the message count, so that an edit above or an id in the text makes no new group.
    """


def describe(error: BaseException) -> FailureDetail:
    """Describe the error; survives errors that can't even be printed."""
    error_type = _qualified_name(type(error))
    first = _first_frame_of_user(error.__traceback__)
    return FailureDetail(
        error_type=error_type,
        message=storable(error, MESSAGE_LIMIT),
        traceback=_traceback_text(error, first),
        fingerprint=_fingerprint(error_type, first),
    )


def _qualified_name(kind: type[BaseException]) -> str:
    module = kind.__module__
    name = kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
    return storable(name, TYPE_LIMIT)


def _first_frame_of_user(traceback: TracebackType | None) -> TracebackType | None:
    first = traceback
    while first is not None and _is_dispatch(first.tb_frame.f_code.co_filename):
        first = first.tb_next
    # An error that never reached user code, such as a timeout just before, keeps the frames it has.
    return first or traceback


def _is_dispatch(file: str) -> bool:
    return file == _DISPATCH_FILE or file.startswith(_DISPATCH_FOLDER)


def _traceback_text(error: BaseException, first: TracebackType | None) -> str:
    try:
        text = "".join(TracebackException(type(error), error, first, compact=True).format())
    except BaseException as unprintable:  # noqa: BLE001 - user code runs in here: __str__, __notes__, __cause__
        text = f"<the traceback can't be printed: {type(unprintable).__qualname__}>"
    return storable_ends(text, TRACEBACK_LIMIT)


def _fingerprint(error_type: str, first: TracebackType | None) -> str:
    codes = (frame.f_code for frame, _ in walk_tb(first))
    # Each place once: a recursion is the same failure at any depth.
    places = dict.fromkeys((Path(code.co_filename).name, code.co_qualname) for code in codes)
    text = repr((error_type, *places))
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
