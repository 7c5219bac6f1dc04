"""What can go wrong between us and an API; every error says whether a repeat helps, and when.

ApiError
├── InvalidCall              the call can't work as it is written; nothing was sent
├── KeyMissing               no key is set for this API; names the variable
├── TransportFailed          no whole reply came
│   ├── NotConnected         nothing was sent
│   ├── ReplyLost            it was sent, perhaps in part, and no whole reply came back
│   └── StreamCut            a stream ended before its last event; holds what had arrived
├── MalformedReply           a reply that can't be read: not JSON, no object, too large
│   └── Redirected           a reply that sends us elsewhere; no key follows
├── TryLater                 nothing is wrong with the call; it is to be made again at `retry_after`
│   └── LimitReached         held back by our own limiter; nothing was sent
├── ChaozCodeError           the reply is an error of ChaozCode's ("Error Codes"): clients.chaozcode.errors
│   ├── InvalidRequest       400 INVALID_REQUEST
│   ├── Unauthorized         401 UNAUTHORIZED
│   ├── Forbidden            403 FORBIDDEN
│   ├── NotFound             404 NOT_FOUND
│   ├── Conflict             409 CONFLICT
│   ├── ValidationFailed     422 VALIDATION_ERROR
│   ├── RateLimited          429 RATE_LIMITED; also a TryLater
│   ├── InternalError        500 INTERNAL_ERROR, documented as safe to repeat
│   ├── ServiceUnavailable   503 SERVICE_UNAVAILABLE
│   └── UnexpectedStatus     any other
├── AgentUnfinished          `agents.wait` reached its deadline
└── ChuckyError              the reply is an error of Chucky's ("Error Responses"): clients.chucky.errors
    ├── TokenExpired         401 with "Token expired"
    ├── TokenRefused         any other 401
    ├── UserBudgetExhausted       429 user_budget_exhausted; also a TryLater
    ├── ConcurrencyLimitReached   429 concurrent_limit_reached; also a TryLater
    ├── DeveloperBudgetExhausted  402 developer_budget_exhausted; also a TryLater
    ├── PromptFailed         status 200, with a result that is no success
    └── ChuckyStatus         any other
        ├── TooManyRequests  any other 429; also a TryLater
        └── ServerFailed     5xx

A handler need not catch any of them: one that is `permanent` ends its delivery, a `TryLater` has the handler
called again at the time the API named without using up a retry, and all others are retried.
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class ApiError(Exception):
    """A call to an API failed."""

    permanent: bool = False
    """Whether no repeat of the same call can help."""
    retry_after: float | None = None
    """Seconds from now until a repeat may help."""
    is_wait_guessed: bool = False
    """Whether `retry_after` is ours, as the API named no time: a call asks again sooner, after a backoff."""
    is_transient: bool = False
    """Whether a repeat soon may help."""
    is_repeatable: ClassVar[bool] = False
    """Whether a repeat is safe whatever was asked for: it had no effect, or is documented as safe."""

    def __reduce__(self) -> tuple[Any, ...]:
        # As it is, without its constructor: so it comes through pools of processes, whatever it is made of.
        return _remade, (type(self), self.args), vars(self)


def _remade(kind: type[ApiError], args: tuple[Any, ...]) -> ApiError:
    return kind.__new__(kind, *args)


class InvalidCall(ApiError):
    """The call breaks a documented limit; nothing was sent."""

    permanent = True


class KeyMissing(ApiError):
    """The API's key is not set."""

    permanent = True

    def __init__(self, variable: str, api: str) -> None:
        super().__init__(
            f"{variable} is not set, so {api} can't be called; set it in the environment or in .env"
        )
        self.variable = variable


class TransportFailed(ApiError):
    """No whole reply came."""

    is_transient = True


class NotConnected(TransportFailed):
    """No connection could be made; nothing was sent."""

    is_repeatable = True


class ReplyLost(TransportFailed):
    """The call was sent, perhaps in part, and no whole reply came: whether it took effect is not known."""


class StreamCut(TransportFailed):
    """A stream ended before its last event."""

    def __init__(self, message: str, *, received: Sequence[Any], text: str = "") -> None:
        super().__init__(message)
        self.received = tuple(received)
        """What had arrived, as the stream gave it."""
        self.text = text
        """The text that had arrived."""


class MalformedReply(ApiError):
    """The reply can't be read."""


class Redirected(MalformedReply):
    """The reply sends us elsewhere, which the APIs do not document; no key follows."""

    permanent = True


class TryLater(ApiError):
    """Nothing is wrong with the call; it is to be made again later."""


class LimitReached(TryLater):
    """Our own limiter held the call back, so that the API need not refuse it; nothing was sent."""

    is_repeatable = True

    def __init__(self, retry_after: float) -> None:
        super().__init__("the plan's limit is reached; nothing was sent")
        self.retry_after = retry_after
