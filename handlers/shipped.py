"""Handlers that come with installed packages: entry points of the group `hooks.handlers`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from .errors import HandlerError, HandlerModuleBroken, NoRouter
from .loading import load, routers_of
from .router import Router

GROUP: Final = "hooks.handlers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """What an entry point led to."""

    point: EntryPoint
    routers: Sequence[Router]

    def include_in(self, together: Router) -> None:
        """Add these handlers to others; a `NameClash` names the package that brings them."""
        with _named(self.point):
            for router in self.routers:
                together.include(router)


def shipped() -> tuple[EntryPoint, ...]:
    """Find what installed packages declare, in the order of the names."""
    return tuple(sorted(entry_points(group=GROUP), key=lambda point: (point.name, _distribution(point))))


def load_shipped(point: EntryPoint) -> Shipped:
    """Import what an entry point names: a module with Routers, or a Router as `module:name`.

    A `HandlerError` names the entry point and the package that declares it.
    """
    with _named(point):
        return Shipped(point=point, routers=_routers(point))


def _routers(point: EntryPoint) -> Sequence[Router]:
    if EntryPoint.pattern.match(point.value) is None:
        raise HandlerModuleBroken(
            f"{point.value!r} names no module: it should be a module, or module:router with a Router"
        )
    module = load(point.module)
    where = f"the module {point.module!r} ({module.__file__})"
    if not point.attr:
        if found := routers_of(module):
            return found
        raise NoRouter(f"{where} has no Router at its top level")
    named: object = module
    for name in point.attr.split("."):
        named = getattr(named, name, None)
    if isinstance(named, Router):
        return [named]
    what = "is not there" if named is None else f"is a {type(named).__name__}"
    raise NoRouter(f"{point.attr!r} should be a Router in {where}, but {what}")


@contextmanager
def _named(point: EntryPoint) -> Iterator[None]:
    """Say in errors where the handlers came from: nobody here has written them."""
    try:
        yield
    except HandlerError as error:
        raise type(error)(
            f"{error} (declared by the installed package {_distribution(point)!r}, as entry point "
            f"{point.name!r} of {GROUP}: mend or uninstall that)"
        ) from error


def _distribution(point: EntryPoint) -> str:
    return str(point.dist.name) if point.dist is not None else "?"
