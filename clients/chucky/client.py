"""Chucky's REST API: prompts, as one answer or as a stream of messages, and what they use of the budgets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self, Unpack

from clients.errors import ApiError, InvalidCall
from clients.exchange import Exchange
from clients.settings import CHUCKY_URL

from .budget_wait import name_wait
from .error_reply import read_error, require_no_error
from .errors import DeveloperBudgetExhausted, UserBudgetExhausted
from .jwt_expiry import expiry, warn_in_time
from .prompt import PromptOptions, checked_options, require_message
from .prompt_stream import PromptStream
from .result import Answer, read_answer
from .usage import Usage

if TYPE_CHECKING:
    import httpx2

    from clients.limiter import Limiter

_TIMEOUT_SECONDS: Final = 60.0
_LONGEST_WAIT_SECONDS: Final = 5.0
_WINDOW_SECONDS: Final = 5.0
"""For the call that asks when a budget starts anew: the prompt's own error must not be long in coming."""


def _now() -> datetime:
    return datetime.now(UTC)


class Chucky:
    """A client of Chucky's, for one token; threads may share it.

    with Chucky(token) as client:
        answer = client.prompt("What is the capital of France?", max_turns=1)
        answer.text
    """

    def __init__(
        self,
        token: str,
        *,
        base_url: str = CHUCKY_URL,
        timeout_seconds: float = _TIMEOUT_SECONDS,
        seconds_left: Callable[[], float] | None = None,
        longest_wait_seconds: float = _LONGEST_WAIT_SECONDS,
        limiter: "Limiter | None" = None,
        transport: "httpx2.BaseTransport | None" = None,
        now: Callable[[], datetime] = _now,
    ) -> None:
        """`token` is a JWT; `timeout_seconds` bounds a call with all its repeats, as does `seconds_left`.

        `longest_wait_seconds` is the longest pause between two repeats: where the API, or the `limiter`,
        names a longer one, a `TryLater` is raised at once. `transport` stands in for the network, `now` for
        the clock. Raises `InvalidCall` for a token that no header can carry.
        """
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise InvalidCall("the token must be one word of ASCII characters, as Chucky issues it")
        self._token = token
        self._expires_at = expiry(token)
        self._now = now
        self._exchange = Exchange(
            base_url,
            headers={},
            secrets=(token,),
            read_error=read_error,
            timeout_seconds=timeout_seconds,
            seconds_left=seconds_left,
            longest_wait_seconds=longest_wait_seconds,
            limiter=limiter,
            transport=transport,
        )

    def prompt(self, message: str, **options: Unpack[PromptOptions]) -> Answer:
        """Send a prompt and give the whole answer: `POST /prompt`; `PromptOptions` has the options.

        A prompt costs money, so it is repeated only where it had no effect. Raises `InvalidCall` for a call
        that can't work, `PromptFailed` where the result is no success, else what `clients.errors` tells.
        """
        body = self._checked(message, options)
        self._warn_in_time()
        try:
            reply = self._exchange.call("POST", ("prompt",), body=self._with_token(body), idempotent=False)
            require_no_error(reply)
        except ApiError as error:
            self._explain(error)
            # The frames within hold the token, in the body, where a tool shows their variables.
            raise error.with_traceback(None)  # noqa: B904 - it is the same error
        return read_answer(reply)

    def stream(self, message: str, **options: Unpack[PromptOptions]) -> PromptStream:
        """Send a prompt and give its messages as they come, with `prompt`'s options.

        To be used as `with client.stream("…") as stream:`; see `PromptStream` for what it gives. Is repeated
        only as long as nothing of the reply has come; raises `StreamCut` where it ends too early.
        """
        call = self._streamed(self._checked(message, options))
        return PromptStream(call, scrub=self._exchange.scrub, explain=self._explain)

    def usage(self) -> Usage:
        """Give what of the token's budgets is used: `GET /usage`."""
        self._warn_in_time()
        return self._usage(timeout_seconds=None)

    def close(self) -> None:
        """Close the connections; the client can't be used afterwards."""
        self._exchange.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Chucky at {self._exchange.base_url}>"

    @contextmanager
    def _streamed(self, body: dict[str, Any]) -> Iterator[Iterator[bytes]]:
        self._warn_in_time()
        try:
            with self._exchange.stream("POST", ("prompt",), body=self._with_token(body)) as chunks:
                yield chunks
        except ApiError as error:
            self._explain(error)
            raise error.with_traceback(None)  # noqa: B904 - as in `prompt`

    def _checked(self, message: str, options: PromptOptions) -> dict[str, Any]:
        require_message(message)
        return {"message": message, "options": checked_options(options)}

    def _with_token(self, body: dict[str, Any]) -> dict[str, Any]:
        return {**body, "options": {"token": self._token, **body["options"]}}

    def _usage(self, *, timeout_seconds: float | None) -> Usage:
        try:
            reply = self._exchange.call(
                "GET",
                ("usage",),
                headers={"Authorization": f"Bearer {self._token}"},
                timeout_seconds=timeout_seconds,
            )
        except ApiError as error:
            raise error.with_traceback(None)  # noqa: B904 - as in `prompt`
        return Usage.from_json(reply)

    def _explain(self, error: ApiError) -> None:
        """Have a budget's error say when the budget starts anew, which only `/usage` tells."""
        if not isinstance(error, UserBudgetExhausted | DeveloperBudgetExhausted):
            return
        try:
            usage = self._usage(timeout_seconds=_WINDOW_SECONDS)
        except ApiError:
            usage = None
        name_wait(error, usage, self._now())

    def _warn_in_time(self) -> None:
        warn_in_time(self._token, self._expires_at, self._now())
