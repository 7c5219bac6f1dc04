"""Which handlers there are, and which of them an event goes to."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Literal, TypeVar

from .errors import InvalidPattern, NameClash
from .registration import Handler, HandlerFunction
from .retry import RetryPolicy
from .source import source_of

F = TypeVar("F", bound=HandlerFunction)


class Router:
    """Handlers in the order of their registration; routers can be put together with `include`."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def on(  # noqa: PLR0913 - each option of a handler, by its name
        self,
        *patterns: str,
        name: str | None = None,
        retries: int | None = None,
        timeout: timedelta | float = 30,
        backoff: RetryPolicy | None = None,
        queue: str | None = None,
        order: Literal["strict"] | None = None,
        on_dead: Literal["continue", "hold"] = "continue",
        concurrency: int | None = None,
        rate: str | None = None,
        dry_run: bool = False,
    ) -> Callable[[F], F]:
        """Register the decorated function for event types (`memory.stored`), families (`memory.*`) or `*`.

        `name` is the function's own unless given. `retries` is 5 unless given here or in `backoff`; `timeout`
        is in seconds, or a timedelta.

        `queue` gives it an RQ queue with workers of its own. With `order="strict"` events of one subject run
        in the order of their arrival, one at a time; `on_dead="hold"` holds those behind a dead one.
        `concurrency` (a number) and `rate` ("10/s") hold over all workers. `dry_run=True` says that it acts
        through its context alone, so that `hooks replay --dry-run=handlers` may call it.

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
                    queue=queue,
                    order=order,
                    on_dead=on_dead,
                    concurrency=concurrency,
                    rate=rate,
                    dry_run=dry_run,
                )
            )
            return function

        return register

    def add(self, handler: Handler) -> None:
        """Add a handler; one that is here already only gains patterns. Raises `NameClash`."""
        known = self._handlers.get(handler.name)
        if known is None:
            self._handlers[handler.name] = handler
        elif replace(handler, patterns=known.patterns) == known:
            self._handlers[handler.name] = known.listening_also_for(handler.patterns)
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

    def for_type(self, event_type: str) -> tuple[Handler, ...]:
        """Return the handlers that get an event of this type, in the order of their registration."""
        return tuple(handler for handler in self._handlers.values() if handler.matches(event_type))
