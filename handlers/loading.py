"""Import a module of users' handlers, and say where a broken one is broken."""

import importlib
import sys
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Final

from .errors import HandlerError, HandlerModuleBroken
from .ownership import is_the_users
from .router import Router
from .storable import storable

_PACKAGE: Final = Path(__file__).parent


def load(name: str) -> ModuleType:
    """Import the module; `HandlerModuleBroken` names it, the file and line, and the error."""
    try:
        return importlib.import_module(name)
    except (HandlerError, KeyboardInterrupt):
        raise  # a HandlerError names its own place
    except BaseException as error:
        place = _place(error, name)
        if place is None and isinstance(error, ModuleNotFoundError) and _is_part_of(error.name, name):
            raise HandlerModuleBroken(
                f"there is no module {name!r} to take handlers from, neither in {sys.path[0] or '.'} "
                f"nor elsewhere on Python's path ({error}): correct its name, or start in the folder that "
                "holds it"
            ) from error
        where = f" at {place}" if place else ""
        what = f"{type(error).__name__}: {storable(error, 500)}"
        raise HandlerModuleBroken(
            f"the handler module {name!r} can't be loaded{where}: {what}{_hint(error)}"
        ) from error


def routers_of(module: ModuleType) -> list[Router]:
    """Return the module-level routers, in the order of their definition."""
    return [value for value in vars(module).values() if isinstance(value, Router)]


def _hint(error: BaseException) -> str:
    if not isinstance(error, ImportError) or not _is_part_of("handlers", error.name or ""):
        return ""
    return f" (`handlers` is chaozcode-hooks' package, {_PACKAGE}: if you mean one of yours, rename that)"


def _is_part_of(missing: str | None, name: str) -> bool:
    return missing is not None and f"{name}.".startswith(f"{missing}.")


def _place(error: BaseException, name: str) -> str | None:
    """Return the innermost "file:line" that is the user's, None where the error never reached user code."""
    if isinstance(error, SyntaxError) and error.filename and is_the_users(error.filename):
        return f"{error.filename}:{error.lineno}"
    places = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") == name or is_the_users(frame.f_code.co_filename)
    ]
    return places[-1] if places else None
