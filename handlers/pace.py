"""Where and how fast a handler's deliveries run: queue, order, and limits that hold over all workers."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, Self

from .errors import InvalidLimit, InvalidOrder, InvalidQueue

DEFAULT_QUEUE: Final = "hooks"
"""Where a handler runs that names none."""

_QUEUE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,29}")
_RATE: Final = re.compile(r"\s*([0-9]+)\s*/\s*([0-9]*)\s*(s|min|h|d)\s*")
_UNIT_SECONDS: Final = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many starts at most in any period of that length."""

    starts: int
    period: timedelta

    @classmethod
    def of(cls, text: str) -> Self:
        """Read "10/s", "100/min", "5/2h", "1000/d". ValueError for anything else."""
        found = _RATE.fullmatch(text) if isinstance(text, str) else None
        starts, units = (int(found[1]), int(found[2] or 1)) if found else (0, 0)
        if found is None or not 1 <= starts <= _MOST or not 1 <= units <= _MOST:
            raise ValueError(
                f'{text!r} is no rate: write how many in which time, such as "10/s", "100/min", "5/2h" or'
                f' "1000/d", with numbers from 1 to {_MOST:,}'
            )
        return cls(starts=starts, period=timedelta(seconds=units * _UNIT_SECONDS[found[3]]))


def require_queue(name: object) -> None:
    """Raise `InvalidQueue` for what can't be the name of a queue."""
    if not isinstance(name, str) or _QUEUE.fullmatch(name) is None:
        raise InvalidQueue(
            f"queue is {name!r}: give a name of 1 to 30 of a-z, 0-9, '_' and '-', such as \"slow\""
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Where and how fast; with the defaults a handler runs together with the others of its event."""

    queue: str | None = None
    """Its own RQ queue, with workers of its own."""
    order: Literal["strict"] | None = None
    """Events of one subject run in the order of their arrival, one at a time over all workers."""
    on_dead: Literal["continue", "hold"] = "continue"
    """Whether a dead delivery lets those behind it go on, or holds them until it is resolved or made good."""
    concurrency: int | None = None
    """How many of its deliveries may run at one time over all workers."""
    rate: Rate | None = None

    @classmethod
    def of(
        cls, *, queue: str | None, order: str | None, on_dead: str, concurrency: int | None, rate: str | None
    ) -> Self:
        """Check what a handler was registered with; a `HandlerError` says what is wrong."""
        if queue is not None:
            require_queue(queue)
        if order not in (None, "strict"):
            raise InvalidOrder(f'order is {order!r}: give "strict", or leave it out')
        if on_dead not in ("continue", "hold"):
            raise InvalidOrder(f'on_dead is {on_dead!r}: give "continue" or "hold"')
        if on_dead == "hold" and order is None:
            raise InvalidOrder(
                'on_dead="hold" needs order="strict": without an order nothing stands behind it'
            )
        if concurrency is not None and (
            isinstance(concurrency, bool) or not isinstance(concurrency, int) or not 1 <= concurrency <= _MOST
        ):
            raise InvalidLimit(f"concurrency is {concurrency!r}: give a whole number from 1 to {_MOST:,}")
        try:
            parsed = None if rate is None else Rate.of(rate)
        except ValueError as error:
            raise InvalidLimit(f"rate {error}") from None
        return cls(
            queue=None if queue == DEFAULT_QUEUE else queue,
            order="strict" if order else None,
            on_dead="hold" if on_dead == "hold" else "continue",
            concurrency=concurrency,
            rate=parsed,
        )

    @property
    def runs_alone(self) -> bool:
        """Whether its deliveries are claimed one by one, and not together with their events."""
        return self.queue is not None or self.order is not None or self.is_limited

    @property
    def is_limited(self) -> bool:
        return self.concurrency is not None or self.rate is not None

    @property
    def queue_name(self) -> str:
        return self.queue or DEFAULT_QUEUE
