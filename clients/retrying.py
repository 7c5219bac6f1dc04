"""Which failed calls are made again within one call, and after what pause."""

import random
from collections.abc import Callable
from typing import Final, TypeVar

import stamina

from .errors import ApiError

_MOST_ATTEMPTS: Final = 5
_FIRST_PAUSE_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 4.0
_JITTER: Final = 0.1
"""Of a pause that was named: those who were refused together shall not come back together."""

Result = TypeVar("Result")


def repeated(
    call: Callable[[], Result],
    *,
    idempotent: bool,
    seconds_left: Callable[[], float],
    longest_wait_seconds: float,
) -> Result:
    """Make a call, and again where that is safe and may help, until it succeeds; else raise its last error.

    The pauses grow and are spread by chance, as stamina has it; stamina's switches for tests hold here too.
    """
    longest = min(longest_wait_seconds, _LONGEST_PAUSE_SECONDS)
    backoff = 0.0

    def pause(error: Exception) -> bool | float:
        return pause_after(
            error,
            idempotent=idempotent,
            seconds_left=seconds_left(),
            longest_wait_seconds=longest_wait_seconds,
            longest_backoff_seconds=min(backoff + _FIRST_PAUSE_SECONDS, longest),
        )

    for attempt in stamina.retry_context(
        on=pause,
        attempts=_MOST_ATTEMPTS,
        timeout=None,  # stamina asks for it before a pause only, not whether the pause ends in time
        wait_initial=min(_FIRST_PAUSE_SECONDS, longest),
        wait_max=longest,
        wait_jitter=_FIRST_PAUSE_SECONDS,
    ):
        backoff = attempt.next_wait
        with attempt:
            return call()
    raise AssertionError("unreachable")  # stamina raises the last error


def pause_after(
    error: BaseException,
    *,
    idempotent: bool,
    seconds_left: float,
    longest_wait_seconds: float,
    longest_backoff_seconds: float,
    chance: Callable[[], float] = random.random,
) -> bool | float:
    """Decide what follows a failure: False, no repeat; True, one after a backoff; or one after these seconds.

    A repeat must be safe, may help, and must begin before the time is up.
    """
    if not isinstance(error, ApiError) or error.permanent or longest_wait_seconds <= 0:
        return False
    if not (error.is_repeatable or (error.is_transient and idempotent)):
        return False
    if error.retry_after is None or error.is_wait_guessed:
        return longest_backoff_seconds < seconds_left
    spread = error.retry_after * (1 + _JITTER * chance())
    if error.retry_after > longest_wait_seconds or spread >= seconds_left:
        return False
    return spread
