"""Where a handler's code stands, and which version of it this is."""

import functools
import hashlib
import inspect
from types import CodeType
from typing import Final

UNKNOWN: Final = "<unknown>"

_UNREADABLE: Final = (OSError, TypeError, SyntaxError, IndexError, ValueError)
"""What inspect.getsource raises where there is no source, or another one than was imported."""


def source_of(function: object) -> str:
    """Return the place as "path:line"."""
    code = _code(_innermost(function))
    return UNKNOWN if code is None else f"{code.co_filename}:{code.co_firstlineno}"


def version_of(function: object) -> str:
    """Return 12 hex digits that change when the function's source does."""
    innermost = _innermost(function)
    try:
        content = inspect.getsource(innermost).encode()  # type: ignore[arg-type]
    except _UNREADABLE:
        code = _code(innermost)
        content = repr(innermost).encode() if code is None else _bytes(code)
    return hashlib.sha256(content).hexdigest()[:12]


def text_of(function: object) -> str | None:
    """Return the source of the function with its decorators, None where there is none to read."""
    try:
        return inspect.getsource(_innermost(function))  # type: ignore[arg-type]
    except _UNREADABLE:
        return None


def _innermost(function: object) -> object:
    """Look behind partials, decorators that use functools.wraps, methods and callable objects."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif inspect.ismethod(function):
            function = function.__func__
        elif not inspect.isroutine(function) and not inspect.isclass(function) and callable(function):
            function = type(function).__call__
        else:
            return function


def _code(function: object) -> CodeType | None:
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else None


def _bytes(code: CodeType) -> bytes:
    # Nested code objects print with their address and sets in any order: neither may change the version.
    constants = (
        _bytes(constant)
        if isinstance(constant, CodeType)
        else repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant).encode()
        for constant in code.co_consts
    )
    return b"\0".join((code.co_code, repr(code.co_names).encode(), *constants))
