"""Whether and when a failed handler is tried again, as a pure decision."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from .backoff.exponential import Exponential
from .backoff.given import Backoff, backoff_of
from .backoff.listed import Listed
from .duration import duration, in_words
from .outcome import HandlerTimeout

ErrorTypes = type[BaseException] | tuple[type[BaseException], ...]
"""What stands behind `except`: a class, or a tuple of them."""

_RETRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often, how late and after which errors a handler is tried again."""

    retries: int = _RETRIES
    """Attempts after the first one; 0 means a single attempt."""
    backoff: Backoff = Exponential()  # noqa: RUF009 - frozen
    retry_on: tuple[type[BaseException], ...] | None = None
    """The errors after which it is tried again; None for all."""
    give_up_on: tuple[type[BaseException], ...] = ()
    """The errors after which it is not, of those too that `retry_on` names."""
    deadline: timedelta | None = None
    """How long after the event's arrival an attempt may begin; None for ever."""

    @classmethod
    def of(
        cls,
        *,
        retries: int | None = None,
        backoff: object = None,
        retry_on: ErrorTypes | None = None,
        give_up_on: ErrorTypes = (),
        deadline: timedelta | float | None = None,
    ) -> Self:
        """Check what a handler was registered with. Raises ValueError."""
        policy = Exponential() if backoff is None else backoff_of(backoff)
        if retries is None:
            retries = len(policy.delays) if isinstance(policy, Listed) else _RETRIES
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise ValueError(f"retries is {retries!r}: give a whole number, 0 or more")
        if retry_on == ():
            raise ValueError("retry_on is empty: for a handler that is never tried again, give retries=0")
        return cls(
            retries=retries,
            backoff=policy,
            retry_on=None if retry_on is None else _types("retry_on", retry_on),
            give_up_on=_types("give_up_on", give_up_on),
            deadline=None if deadline is None else _deadline(deadline),
        )

    def delay(self, failures: int, random: Callable[[], float]) -> timedelta | None:
        """Return the wait after that many failures (1 or more), or None when the retries are used up.

        `random` gives numbers from 0 to below 1.
        """
        if failures < 1:
            raise ValueError(f"failures is {failures!r}: a delay follows at least one failure")
        return None if failures > self.retries else self.backoff.wait(failures, random)

    def gives_up_on(self, error: BaseException) -> bool:
        """Tell whether no retry is to follow this error, however many are left."""
        if _is_any(error, self.give_up_on):
            return True
        # A handler that is stopped says nothing of its own: it is tried again unless that was ruled out.
        return self.retry_on is not None and not _is_any(error, (*self.retry_on, HandlerTimeout))

    def __str__(self) -> str:
        words = [f"{self.retries}, {self.backoff}" if self.retries else "none"]
        if self.retry_on is not None:
            words.append(f"only after {_names(self.retry_on)}")
        if self.give_up_on:
            words.append(f"none after {_names(self.give_up_on)}")
        if self.deadline is not None:
            words.append(f"no attempt later than {in_words(self.deadline)} after arrival")
        return "; ".join(words)

    def to_json(self) -> dict[str, object]:
        return {
            "retries": self.retries,
            "backoff": self.backoff.to_json(),
            "retry_on": None if self.retry_on is None else [kind.__qualname__ for kind in self.retry_on],
            "give_up_on": [kind.__qualname__ for kind in self.give_up_on],
            "deadline_seconds": None if self.deadline is None else self.deadline.total_seconds(),
        }


def _is_any(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    # As `except` compares them: isinstance() would ask a metaclass of the user's, which may raise anything.
    return any(base is kind for base in type(error).__mro__ for kind in kinds)


def _names(kinds: tuple[type[BaseException], ...]) -> str:
    return ", ".join(kind.__qualname__ for kind in kinds)


def _types(name: str, given: object) -> tuple[type[BaseException], ...]:
    kinds = given if isinstance(given, tuple) else (given,)
    for kind in kinds:
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            raise ValueError(  # noqa: TRY004 - one error for whatever a user may give
                f"{name} names {kind!r}: give an exception class, or a tuple of them"
            )
    return kinds


def _deadline(given: object) -> timedelta:
    try:
        deadline = duration(given)
    except ValueError as error:
        raise ValueError(f"deadline {error}") from None
    if not deadline:
        raise ValueError("deadline is 0: give the time after the event's arrival in which attempts may begin")
    return deadline
