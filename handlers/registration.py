"""One registered handler: a function, what it listens for, and how it is run."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, Self

from eventlog.event import Event

from . import pattern
from .backoff.given import Backoff
from .call_signature import require_signature
from .context import Context
from .duration import duration
from .errors import (
    HandlerError,
    InvalidName,
    InvalidPattern,
    InvalidRetry,
    InvalidTimeout,
    NoPattern,
)
from .pace import Pace
from .retry import ErrorTypes, RetryPolicy
from .source import source_of, version_of

HandlerFunction = Callable[[Event, Context], object]

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,200}")


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
    undocumented: tuple[str, ...] = field(default=(), compare=False)
    """Those of the patterns that were said to match no documented type on purpose."""

    @classmethod
    def of(  # noqa: PLR0913 - one for each option of `Router.on`
        cls,
        function: HandlerFunction,
        patterns: tuple[str, ...],
        *,
        name: str | None = None,
        retries: int | None = None,
        timeout: timedelta | float = 30,
        backoff: Backoff | Sequence[timedelta | float] | None = None,
        retry_on: ErrorTypes | None = None,
        give_up_on: ErrorTypes = (),
        deadline: timedelta | float | None = None,
        queue: str | None = None,
        order: str | None = None,
        on_dead: str = "continue",
        concurrency: int | None = None,
        rate: str | None = None,
        dry_run: bool = False,
        undocumented: bool = False,
    ) -> Self:
        """Check everything and make the handler; a `HandlerError` says what is wrong, and where."""
        source = source_of(function)
        name = getattr(function, "__name__", "") if name is None else name
        place = f"handler {name!r} ({source})"
        _require_name(name, place)
        require_signature(function, name, place)
        if not patterns:
            raise NoPattern(
                f'{place} is registered for nothing: name an event type, as in on("memory.stored")'
            )
        for one in patterns:
            _require_pattern(one, place, undocumented=undocumented)
        return cls(
            name=name,
            patterns=tuple(dict.fromkeys(patterns)),
            function=function,
            retry=_retry_policy(
                place,
                retries=retries,
                backoff=backoff,
                retry_on=retry_on,
                give_up_on=give_up_on,
                deadline=deadline,
            ),
            timeout_seconds=_timeout_seconds(timeout, place),
            source=source,
            version=version_of(function),
            pace=_pace(place, queue=queue, order=order, on_dead=on_dead, concurrency=concurrency, rate=rate),
            dry_run=dry_run,
            undocumented=patterns if undocumented else (),
        )

    def matches(self, event_type: str) -> bool:
        """Tell whether events of this type are for this handler."""
        return any(pattern.matches(one, event_type) for one in self.patterns)

    def listening_also_as(self, other: Self) -> Self:
        """Return this handler with the patterns of another registration, too."""
        return replace(
            self,
            patterns=tuple(dict.fromkeys(self.patterns + other.patterns)),
            undocumented=tuple(dict.fromkeys(self.undocumented + other.undocumented)),
        )


def _pace(place: str, **options: Any) -> Pace:  # noqa: ANN401
    try:
        return Pace.of(**options)
    except HandlerError as error:
        raise type(error)(f"{place}: {error}") from None


def _require_pattern(one: str, place: str, *, undocumented: bool) -> None:
    try:
        pattern.check(one)
    except InvalidPattern as error:
        raise InvalidPattern(f"{place}: {error}") from None
    meant = None if undocumented else pattern.misspelt(one)
    if meant is not None:
        raise InvalidPattern(
            f"{place} listens for {one!r}, which matches no event type that ChaozCode documents: "
            f"did you mean {meant!r}? If {one!r} is right, say so: on({one!r}, undocumented=True)"
        )


def _require_name(name: object, place: str) -> None:
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise InvalidName(
            f"{place} needs a name of 1 to 200 letters (A-Z, a-z), digits, '_', '.' or '-': "
            'give it one with on(..., name="...")'
        )


def _retry_policy(place: str, **options: Any) -> RetryPolicy:  # noqa: ANN401
    try:
        return RetryPolicy.of(**options)
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
