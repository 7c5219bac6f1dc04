"""Whether a function can be called as handlers are: `handler(event, ctx)`."""

import functools
import inspect
from typing import Final

from eventlog.event import Event

from .context import Context
from .errors import WrongSignature

_HOW_TO_DEFINE: Final = "define it as: def {name}(event: Event, ctx: Context) -> None"


def require_signature(function: object, name: str, place: str) -> None:
    """Raise `WrongSignature`, in words that begin with the place, for what can't be called so."""
    how = _HOW_TO_DEFINE.format(name=name)
    if not callable(function) or inspect.isclass(function):
        raise WrongSignature(f"{place} is a {type(function).__name__}, not a function: {how}")
    called: object = function
    while isinstance(called, functools.partial):
        called = called.func
    if not inspect.isroutine(called):
        called = type(called).__call__
    if inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called):
        raise WrongSignature(f"{place} is asynchronous, and handlers are called without an event loop: {how}")
    if inspect.isgeneratorfunction(called):
        raise WrongSignature(f"{place} contains yield, so that calling it would run none of it: {how}")
    try:
        # What is called counts, not what it wraps: a decorator may add arguments of its own.
        signature = inspect.signature(function, follow_wrapped=False)
    except (ValueError, TypeError):
        raise WrongSignature(f"{place} does not tell which arguments it takes: {how}") from None
    try:
        signature.bind("event", "ctx")
    except TypeError as error:
        raise WrongSignature(
            f"{place} takes {signature}, but is called with two arguments ({error}): {how}"
        ) from None
    if _is_swapped(signature):
        raise WrongSignature(f"{place} takes {signature}, but the event comes first: {how}")


def _is_swapped(signature: inspect.Signature) -> bool:
    meant = [_meant(parameter) for parameter in signature.parameters.values()]
    return meant[:1] == [Context] or meant[1:2] == [Event]


def _meant(parameter: inspect.Parameter) -> type | None:
    """Tell by its annotation, else by its name, what a parameter is for; None for all else."""
    annotation = parameter.annotation
    if annotation is Context or annotation == "Context":
        return Context
    if annotation is Event or annotation == "Event":
        return Event
    if annotation is not inspect.Parameter.empty:
        return None
    return {"ctx": Context, "context": Context, "event": Event}.get(parameter.name)
