"""One registered handler: a function, what it listens for, and how it is run."""

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Self

from eventlog.event import Event

from . import pattern
from .context import Context
from .duration import duration
from .errors import (
    HandlerError,
    InvalidName,
    InvalidPattern,
    InvalidRetry,
    InvalidTimeout,
    NoPattern,
    WrongSignature,
)
from .pace import Pace
from .retry import RetryPolicy
from .source import source_of, version_of

HandlerFunction = Callable[[Event, Context], object]

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_HOW_TO_DEFINE: Final = "define it as: def {name}(event: Event, ctx: Context) -> None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """A function that is called with every event that one of its patterns matches."""

    name: str
    """Unique among all handlers; deliveries are recorded under it."""
    patterns: tuple[str, ...]
    function: HandlerFunction
    retry: RetryPolicy
    timeout_seconds: float
    source: str
    """Where the function is defined, as "path:line"."""
    version: str
    """12 hex digits that change with the function's source."""
    pace: Pace = Pace()  # noqa: RUF009 - frozen
    """Where and how fast it runs."""
    dry_run: bool = False
    """Whether it may be called in a dry run: it then acts through its context alone."""

    @classmethod
    def of(  # noqa: PLR0913 - one for each option of `Router.on`
        cls,
        function: HandlerFunction,
        patterns: tuple[str, ...],
        *,
        name: str | None = None,
        retries: int | None = None,
        timeout: timedelta | float = 30,
        backoff: RetryPolicy | None = None,
        queue: str | None = None,
        order: str | None = None,
        on_dead: str = "continue",
        concurrency: int | None = None,
        rate: str | None = None,
        dry_run: bool = False,
    ) -> Self:
        """Check everything and make the handler; a `HandlerError` says what is wrong, and where."""
        source = source_of(function)
        name = getattr(function, "__name__", "") if name is None else name
        place = f"handler {name!r} ({source})"
        _require_name(name, place)
        _require_signature(function, name, place)
        if not patterns:
            raise NoPattern(
                f'{place} is registered for nothing: name an event type, as in on("memory.stored")'
            )
        for one in patterns:
            try:
                pattern.check(one)
            except InvalidPattern as error:
                raise InvalidPattern(f"{place}: {error}") from None
        return cls(
            name=name,
            patterns=tuple(dict.fromkeys(patterns)),
            function=function,
            retry=_retry_policy(retries, backoff, place),
            timeout_seconds=_timeout_seconds(timeout, place),
            source=source,
            version=version_of(function),
            pace=_pace(place, queue=queue, order=order, on_dead=on_dead, concurrency=concurrency, rate=rate),
            dry_run=dry_run,
        )

    def matches(self, event_type: str) -> bool:
        """Tell whether events of this type are for this handler."""
        return any(pattern.matches(one, event_type) for one in self.patterns)

    def listening_also_for(self, patterns: tuple[str, ...]) -> Self:
        """Return this handler with more patterns."""
        return replace(self, patterns=tuple(dict.fromkeys(self.patterns + patterns)))


def _pace(place: str, **options: Any) -> Pace:  # noqa: ANN401
    try:
        return Pace.of(**options)
    except HandlerError as error:
        raise type(error)(f"{place}: {error}") from None


def _require_name(name: object, place: str) -> None:
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise InvalidName(
            f"{place} needs a name of 1 to 200 letters (A-Z, a-z), digits, '_', '.' or '-': "
            'give it one with on(..., name="...")'
        )


def _require_signature(function: object, name: str, place: str) -> None:
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


def _retry_policy(retries: int | None, backoff: RetryPolicy | None, place: str) -> RetryPolicy:
    policy = RetryPolicy() if backoff is None else backoff
    if not isinstance(policy, RetryPolicy):
        raise InvalidRetry(f"{place}: backoff is {backoff!r}: give a handlers.RetryPolicy")
    try:
        return policy if retries is None else replace(policy, retries=retries)
    except ValueError as error:
        raise InvalidRetry(f"{place}: {error}") from None


def _timeout_seconds(timeout: object, place: str) -> float:
    try:
        seconds = duration(timeout).total_seconds()
    except ValueError as error:
        raise InvalidTimeout(f"{place}: timeout {error}") from None
    if seconds <= 0:
        raise InvalidTimeout(f"{place}: timeout is {timeout!r}: give a length of time of more than 0 seconds")
    return seconds
