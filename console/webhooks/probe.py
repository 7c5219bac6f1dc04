"""Asks a running receiver by HTTP: whether it is there, and which secret it accepts."""

import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import httpx2

from receiver.reception import PROBE, SIGNATURE_HEADER
from receiver.signature import sign
from sandbox.trust import is_loopback, tls_trust

_TIMEOUT_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.3
_STEADY_SECONDS: Final = 2.5
"""Each process of a receiver takes up a change by itself; this is longer than any of them needs."""


class Verdict(Enum):
    """What a receiver says of a signed request."""

    ACCEPTED = "its signature is right"
    REFUSED = "its signature is wrong"
    NO_RECEIVER = "no receiver of ours answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came back."""

    verdict: Verdict
    reason: str = ""
    """Where no receiver of ours answered: what happened, in words."""


class ReceiverProbe:
    """A receiver at a URL; every question goes over a connection of its own, to any of its processes."""

    def __init__(
        self,
        url: str,
        *,
        own_certificate: Path | None = None,
        transport: httpx2.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`transport` stands in for the network."""
        self.url = url
        self._verify = tls_trust(url, own_certificate)
        self._transport = transport
        self._clock = clock
        self._sleep = sleep

    def fault(self) -> str | None:
        """Say why events would not arrive at the URL, or None where a receiver of ours answers there."""
        answered = self._ask(None)
        return answered.reason if answered.verdict is Verdict.NO_RECEIVER else None

    def accepts(self, secret: str) -> bool:
        """Tell whether the receiver accepts a secret, now and in the process that was reached."""
        return self._ask(secret).verdict is Verdict.ACCEPTED

    def wait_until_accepted(self, secret: str, *, within_seconds: float) -> Answered:
        """Wait until the receiver accepts a secret, in all of its processes; gives the last answer."""
        begun = self._clock()
        accepted_since: float | None = None
        while True:
            answered = self._ask(secret)
            now = self._clock()
            if answered.verdict is not Verdict.ACCEPTED:
                accepted_since = None
                if now - begun >= within_seconds:
                    return answered
            elif accepted_since is None:
                accepted_since = now
            elif now - accepted_since >= _STEADY_SECONDS:
                return answered
            self._sleep(_LOOK_SECONDS)

    def _ask(self, secret: str | None) -> Answered:
        headers = {"Content-Type": "application/json"}
        if secret is not None:
            headers[SIGNATURE_HEADER] = sign(PROBE, secret.encode())
        reply = self._post(PROBE, headers)
        if isinstance(reply, str):
            return Answered(verdict=Verdict.NO_RECEIVER, reason=reply)
        match reply.status_code, _code_of(reply):
            case 422, "VALIDATION_ERROR":
                return Answered(verdict=Verdict.ACCEPTED)
            case 401, "UNAUTHORIZED":
                return Answered(verdict=Verdict.REFUSED)
        if reply.is_redirect:
            leads_to = reply.headers.get("Location", "elsewhere")[:200]
            reason = (
                f"{self.url} redirects to {leads_to}; webhooks don't follow that: register the URL that it"
                " leads to"
            )
        elif _code_of(reply) == "NOT_FOUND":
            reason = f"{self.url} is not the path of a receiver: it ends with /webhooks/chaozcode"
        else:
            reason = f"{self.url} answers with {reply.status_code}, and is no receiver of chaozcode-hooks"
        return Answered(verdict=Verdict.NO_RECEIVER, reason=reason)

    def _post(self, content: bytes, headers: dict[str, str]) -> httpx2.Response | str:
        try:
            with httpx2.Client(
                verify=self._verify,
                transport=self._transport,
                timeout=_TIMEOUT_SECONDS,
                trust_env=not is_loopback(self.url),
                follow_redirects=False,
            ) as client:
                return client.post(self.url, content=content, headers=headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return _in_words(self.url, error)


def _in_words(url: str, error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            why = getattr(cause, "verify_message", "") or cause.reason or str(cause)
            return f"{url} has no HTTPS that can be trusted: {why}"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx2.TimeoutException):
        return f"{url} does not answer within {_TIMEOUT_SECONDS:g} s"
    return f"{url} can't be reached: {error or type(error).__name__}"


def _code_of(reply: httpx2.Response) -> str | None:
    try:
        match json.loads(reply.content):
            case {"error": {"code": str(code)}}:
                return code
    except (ValueError, RecursionError):
        pass
    return None
