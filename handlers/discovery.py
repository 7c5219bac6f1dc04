"""Find all handlers at start.

In this order: `handlers/builtin/`, `handlers/custom/`, installed packages, the modules of HOOKS_HANDLERS.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from eventlog.event import KNOWN_TYPES

from . import builtin, custom
from .errors import NoRouter
from .loading import load, routers_of
from .pattern import closest, knows
from .registration import Handler
from .router import Router
from .settings import HandlerSettings
from .shipped import load_shipped, shipped


def discover(settings: HandlerSettings) -> Router:
    """Import every module that may hold handlers and put their routers together, in that order.

    Raises a `HandlerError` for the first thing that is wrong.
    """
    first = _load_folder(builtin, settings.is_on)
    first += _load_folder(custom)
    packaged = [load_shipped(point) for point in shipped()]
    if settings.modules:
        _put_working_directory_first()
    last = [module for name in settings.modules for module in _load_named(name)]
    # Only now, as a module may also register its handlers with the router of another one.
    together = Router()
    _include(together, first)
    for one in packaged:
        one.include_in(together)
    _include(together, last)
    return together


def warnings_for(router: Router) -> tuple[str, ...]:
    """Return a sentence for each pattern that matches no type which ChaozCode documents."""
    return tuple(
        _warning(handler, pattern)
        for handler in router.handlers
        for pattern in handler.patterns
        if pattern not in handler.undocumented and not knows(pattern)
    )


def turned_off(settings: HandlerSettings) -> tuple[tuple[str, str], ...]:
    """Name the handlers of `handlers/builtin/` that a setting would turn on, each with its variable."""
    return tuple(
        (name, str(HandlerSettings.model_fields[name].validation_alias))
        for name in _names_in(builtin)
        if settings.builtin and not settings.is_on(name)
    )


def _include(together: Router, modules: list[ModuleType]) -> None:
    for module in modules:
        for router in routers_of(module):
            together.include(router)  # changes nothing for one that another module has brought already


def _load_folder(package: ModuleType, is_on: Callable[[str], bool] = lambda _name: True) -> list[ModuleType]:
    return [load(f"{package.__name__}.{name}") for name in _names_in(package) if is_on(name)]


def _names_in(package: ModuleType) -> list[str]:
    importlib.invalidate_caches()
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    # A handler's test may stand beside it, as `hooks handlers new` puts it.
    return [name for name in names if not name.startswith(("_", "test_"))]


def _load_named(name: str) -> list[ModuleType]:
    """Load a module; of a package that has no Router itself, load the modules."""
    module = load(name)
    loaded = [module]
    if hasattr(module, "__path__") and not routers_of(module):
        loaded += _load_folder(module)
    if not any(map(routers_of, loaded)):
        raise NoRouter(
            f"the module {name!r} ({module.__file__ or 'a folder without __init__.py'}), named in "
            "HOOKS_HANDLERS, has no Router: add `from handlers import Router` and `router = Router()` at its "
            'top level, and register its handlers with @router.on("memory.stored")'
        )
    return loaded


def _put_working_directory_first() -> None:
    """Make the working directory's modules importable, as `python -m` would."""
    folder = str(Path.cwd())
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()


def _warning(handler: Handler, pattern: str) -> str:
    close = closest(pattern, at_least=0.6)
    hint = f"did you mean {close!r}?" if close else f"the documented types are {', '.join(KNOWN_TYPES)}."
    return (
        f"handler {handler.name!r} ({handler.source}) listens for {pattern!r}, "
        f"which matches no event type that ChaozCode documents: {hint} "
        "Where it is right, undocumented=True says so"
    )
