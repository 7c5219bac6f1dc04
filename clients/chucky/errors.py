"""Chucky's error replies ("Error Responses"); `clients.errors` draws the whole tree."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from clients.errors import ApiError, TryLater

from .budget import AiBudget, ComputeBudget

if TYPE_CHECKING:
    from .result import Result

_BUSY_SECONDS: Final = 30.0
"""Where the reply names no time."""

_PASSING: Final = (408, 425, 429)
"""Statuses of the client's kind that another time may not have."""


class ChuckyError(ApiError):
    """An error reply of Chucky's."""

    def __init__(self, message: str, *, status: int, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class TokenExpired(ChuckyError):
    """401: the token has expired; CHUCKY_TOKEN needs a new one."""

    permanent = True


class TokenRefused(ChuckyError):
    """401: the token is not accepted."""

    permanent = True


class UserBudgetExhausted(ChuckyError, TryLater):
    """429: the budget of the token's user is used up; permanent when it never starts anew."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 429,
        ai: AiBudget | None = None,
        compute: ComputeBudget | None = None,
        retry_after: float | None = None,
        permanent: bool = False,
    ) -> None:
        super().__init__(message, status=status, retry_after=retry_after)
        self.ai = ai
        self.compute = compute
        self.permanent = permanent


class ConcurrencyLimitReached(ChuckyError, TryLater):
    """429: as many prompts run already as may run at once."""

    is_transient = True
    is_repeatable = True

    def __init__(
        self,
        message: str,
        *,
        status: int = 429,
        active: int | None = None,
        max: int | None = None,  # noqa: A002 - as documented
        sessions: Sequence[Mapping[str, Any]] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(
            message, status=status, retry_after=_BUSY_SECONDS if retry_after is None else retry_after
        )
        self.is_wait_guessed = retry_after is None
        self.active = active
        self.max = max
        self.sessions = tuple(sessions)
        """`sessionId`, `userId` and `ageMs` of each that runs."""


class DeveloperBudgetExhausted(ChuckyError, TryLater):
    """402: the developer's own budget is used up; permanent when it never starts anew."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 402,
        used: float | None = None,
        available: float | None = None,
        plan_seconds: float | None = None,
        pool_seconds: float | None = None,
        retry_after: float | None = None,
        permanent: bool = False,
    ) -> None:
        super().__init__(message, status=status, retry_after=retry_after)
        self.used = used
        self.available = available
        self.plan_seconds = plan_seconds
        self.pool_seconds = pool_seconds
        self.permanent = permanent


class PromptFailed(ChuckyError):
    """The reply came with status 200, and a result whose subtype is no `success`."""

    def __init__(self, message: str, *, subtype: str, result: "Result") -> None:
        super().__init__(message, status=200)
        self.subtype = subtype
        self.result = result
        """What it says, and what it cost."""


class ChuckyStatus(ChuckyError):
    """An error that Chucky's reference does not name; permanent when it is of the client's kind (4xx)."""

    def __init__(self, message: str, *, status: int, retry_after: float | None = None) -> None:
        super().__init__(message, status=status, retry_after=retry_after)
        self.permanent = 400 <= status < 500 and status not in _PASSING


class TooManyRequests(ChuckyStatus, TryLater):
    """Any other 429."""

    is_transient = True
    is_repeatable = True

    def __init__(self, message: str, *, status: int = 429, retry_after: float | None = None) -> None:
        super().__init__(
            message, status=status, retry_after=_BUSY_SECONDS if retry_after is None else retry_after
        )
        self.is_wait_guessed = retry_after is None


class ServerFailed(ChuckyStatus):
    """5xx: whether the prompt ran is not known."""

    is_transient = True
