"""Which handlers there are, and which of them an event goes to."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final, Literal, TypeVar

from .backoff.given import Backoff
from .errors import InvalidPattern, NameClash
from .registration import Handler, HandlerFunction
from .retry import ErrorTypes
from .source import source_of

F = TypeVar("F", bound=HandlerFunction)

_TYPES_KEPT: Final = 1000


class Router:
    """Handlers in the order of their registration; routers can be put together with `include`."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self._of_types: dict[str, tuple[Handler, ...]] = {}
        self._alone: tuple[Handler, ...] | None = None

    def on(  # noqa: PLR0913 - each option of a handler, by its name
        self,
        *patterns: str,
        name: str | None = None,
        retries: int | None = None,
        timeout: timedelta | float = 30,
        backoff: Backoff | Sequence[timedelta | float] | None = None,
        retry_on: ErrorTypes | None = None,
        give_up_on: ErrorTypes = (),
        deadline: timedelta | float | None = None,
        queue: str | None = None,
        order: Literal["strict"] | None = None,
        on_dead: Literal["continue", "hold"] = "continue",
        concurrency: int | None = None,
        rate: str | None = None,
        dry_run: bool = False,
        undocumented: bool = False,
    ) -> Callable[[F], F]:
        """Register the decorated function for event types (`memory.stored`), families (`memory.*`) or `*`.

        `name` is the function's own unless given. Lengths of time are seconds, or a timedelta.

        After a failure it is called again, up to `retries` times, 5 unless given. `backoff` says when:
        `exponential(5)` unless given, `fixed(10)`, or a list of delays, whose length is then the number of
        retries. Errors of the types `give_up_on` are not tried again, and with `retry_on` none but these
        are. No attempt begins later than `deadline` after the event's arrival.

        `queue` gives it an RQ queue with workers of its own. With `order="strict"` events of one subject run
        in the order of their arrival, one at a time; `on_dead="hold"` holds those behind a dead one.
        `concurrency` (a number) and `rate` ("10/s") hold over all workers. `dry_run=True` says that it acts
        through its context alone, so that `hooks replay --dry-run=handlers` may call it. A pattern that looks
        like a misspelt one is refused, unless `undocumented=True` says that ChaozCode sends such events.

        Mistakes raise a `HandlerError` that names the handler, file and line.
        """
        for pattern in patterns:
            if callable(pattern):  # written as @router.on, so that no decorator would ever be called
                raise InvalidPattern(
                    f"the function at {source_of(pattern)} is registered for nothing: "
                    'write @router.on("memory.stored"), with the event types in parentheses'
                )

        def register(function: F) -> F:
            self.add(
                Handler.of(
                    function,
                    patterns,
                    name=name,
                    retries=retries,
                    timeout=timeout,
                    backoff=backoff,
                    retry_on=retry_on,
                    give_up_on=give_up_on,
                    deadline=deadline,
                    queue=queue,
                    order=order,
                    on_dead=on_dead,
                    concurrency=concurrency,
                    rate=rate,
                    dry_run=dry_run,
                    undocumented=undocumented,
                )
            )
            return function

        return register

    def add(self, handler: Handler) -> None:
        """Add a handler; one that is here already only gains patterns. Raises `NameClash`."""
        self._of_types.clear()
        self._alone = None
        known = self._handlers.get(handler.name)
        if known is None:
            self._handlers[handler.name] = handler
        elif replace(handler, patterns=known.patterns) == known:
            self._handlers[handler.name] = known.listening_also_as(handler)
        elif known.function == handler.function:
            raise NameClash(
                f"handler {handler.name!r} ({handler.source}) is registered twice with different options: "
                "register it once with all of its patterns, or give one of them another name"
            )
        else:
            raise NameClash(
                f"two handlers are named {handler.name!r}, at {known.source} and at {handler.source}: "
                'rename one of the functions, or give it a name with on(..., name="...")'
            )

    def include(self, other: "Router") -> None:
        """Add all handlers that the other router has now."""
        for handler in other.handlers:
            self.add(handler)

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """All handlers, in the order of their registration."""
        return tuple(self._handlers.values())

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues that handlers have of their own."""
        return tuple(sorted({handler.pace.queue for handler in self.handlers if handler.pace.queue}))

    def for_type(self, event_type: str) -> tuple[Handler, ...]:
        """Return the handlers that get an event of this type, in the order of their registration."""
        found = self._of_types.get(event_type)
        if found is None:
            if len(self._of_types) >= _TYPES_KEPT:  # senders choose the types
                self._of_types.clear()
            found = tuple(handler for handler in self._handlers.values() if handler.matches(event_type))
            self._of_types[event_type] = found
        return found

    @property
    def alone(self) -> tuple[Handler, ...]:
        """Those handlers whose deliveries run alone, in the order of their registration."""
        if self._alone is None:
            self._alone = tuple(handler for handler in self._handlers.values() if handler.pace.runs_alone)
        return self._alone
