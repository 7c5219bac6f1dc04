"""Sign a body and post it, as ChaozCode does."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx2

from receiver.signature import sign
from sandbox.trust import is_loopback, tls_trust

SIGNATURE_HEADER: Final = "X-ChaozCode-Signature"
_USER_AGENT: Final = "ChaozCode-Webhooks (imitated by the sandbox of chaozcode-hooks)"
_TIMEOUT_SECONDS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the receiver answered."""

    status: int
    body: bytes
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NoReply:
    """No answer came."""

    reason: str
    is_refused: bool
    """Whether nothing could be connected to, so that the event certainly did not arrive."""
    seconds: float


class Sender:
    """A keep-alive connection to one URL, for any number of threads."""

    def __init__(
        self,
        url: str,
        secret: bytes,
        *,
        clock: Callable[[], float],
        own_certificate: Path | None = None,
    ) -> None:
        """`own_certificate` is trusted besides those that lead to a known authority."""
        self._url = url
        self._secret = secret
        self._clock = clock
        self._client = httpx2.Client(
            headers={"User-Agent": _USER_AGENT, "Content-Type": "application/json"},
            timeout=_TIMEOUT_SECONDS,
            # A proxy of the environment can't reach this machine's own loopback.
            trust_env=not is_loopback(url),
            verify=tls_trust(url, own_certificate),
        )

    def send(self, body: bytes) -> Reply | NoReply:
        """Post exactly these bytes, signed; never raises for what the network or the receiver does."""
        headers = {SIGNATURE_HEADER: sign(body, self._secret)}
        begun = self._clock()
        try:
            response = self._client.post(self._url, content=body, headers=headers)
        except (httpx2.RequestError, httpx2.StreamError) as error:
            return NoReply(
                reason=_in_words(error),
                is_refused=isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout),
                seconds=self._clock() - begun,
            )
        return Reply(status=response.status_code, body=response.content, seconds=self._clock() - begun)

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _in_words(error: Exception) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return f"no answer within {_TIMEOUT_SECONDS} s"
    return str(error) or type(error).__name__
