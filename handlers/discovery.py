"""Find all handlers at start: built-in ones, `handlers/custom/`, and the modules of HOOKS_HANDLERS."""

import difflib
import importlib
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

from eventlog.event import KNOWN_TYPES

from . import builtin, custom
from .errors import NoRouter
from .loading import load, routers_of
from .pattern import knows
from .registration import Handler
from .router import Router
from .settings import HandlerSettings


def discover(settings: HandlerSettings) -> Router:
    """Import every module that may hold handlers and put their routers together, in that order.

    Raises a `HandlerError` for the first thing that is wrong.
    """
    modules = []
    if settings.builtin:
        modules += _load_folder(builtin)
    modules += _load_folder(custom)
    if settings.modules:
        _put_working_directory_first()
        modules += [_load_named(name) for name in settings.modules]
    together = Router()
    for module in modules:
        for router in routers_of(module):
            together.include(router)  # changes nothing for one that another module has brought already
    return together


def warnings_for(router: Router) -> tuple[str, ...]:
    """Return a sentence for each pattern that matches no type which ChaozCode documents."""
    return tuple(
        _warning(handler, pattern)
        for handler in router.handlers
        for pattern in handler.patterns
        if not knows(pattern)
    )


def _load_folder(package: ModuleType) -> list[ModuleType]:
    importlib.invalidate_caches()
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    return [load(f"{package.__name__}.{name}") for name in names if not name.startswith("_")]


def _load_named(name: str) -> ModuleType:
    module = load(name)
    if not routers_of(module):
        raise NoRouter(
            f"the module {name!r} ({module.__file__ or 'a folder without __init__.py'}), named in "
            "HOOKS_HANDLERS, has no Router: add `from handlers import Router` and `router = Router()` at its "
            'top level, and register its handlers with @router.on("memory.stored")'
        )
    return module


def _put_working_directory_first() -> None:
    """Make the working directory's modules importable, as `python -m` would."""
    folder = str(Path.cwd())
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()


def _warning(handler: Handler, pattern: str) -> str:
    families = dict.fromkeys(f"{known.partition('.')[0]}.*" for known in KNOWN_TYPES)
    candidates = list(families) if pattern.endswith(".*") else [*KNOWN_TYPES, *families]
    close = difflib.get_close_matches(pattern, candidates, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"the documented types are {', '.join(KNOWN_TYPES)}."
    return (
        f"handler {handler.name!r} ({handler.source}) listens for {pattern!r}, "
        f"which matches no event type that ChaozCode documents: {hint}"
    )
