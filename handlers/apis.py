"""`ctx.chaozcode` and `ctx.chucky`: clients of one attempt, made when first used and closed when it ends."""

from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, Self

from clients.errors import KeyMissing

if TYPE_CHECKING:  # these load slowly, and many handlers call no API
    import httpx2

    from clients.chaozcode.client import ChaozCode
    from clients.chucky.client import Chucky
    from clients.limiter import Limiter
    from clients.settings import ApiSettings

_LONGEST_WAIT_SECONDS: Final = 2.0
"""A worker that waits runs nothing else: a longer wait is one of the delivery's."""
_MARGIN_SECONDS: Final = 0.2
"""A call gives up so long before the attempt's end: its own error tells more than the timeout's."""


class ApiMisused(Exception):  # noqa: N818 - named for what happened
    """An API was called where nothing can be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How one API is reached."""

    key: str | None = field(repr=False)
    """None where it is not set: the first use then says which variable would."""
    base_url: str
    limiter: "Limiter | None" = None
    transport: "httpx2.BaseTransport | None" = None
    """What answers in the network's place."""
    longest_wait_seconds: float = _LONGEST_WAIT_SECONDS
    """The longest pause within a call."""


class AttemptApis:
    """The clients of one attempt; nothing of them is kept for the next one."""

    def __init__(
        self, *, seconds: float, chaozcode: Access | None = None, chucky: Access | None = None
    ) -> None:
        """`seconds` is how long the attempt may take from now; what has no `Access` raises `ApiMisused`."""
        self._seconds = seconds
        self._ends_at = monotonic() + seconds
        self._to_chaozcode = chaozcode
        self._to_chucky = chucky
        self._chaozcode: ChaozCode | None = None
        self._chucky: Chucky | None = None
        self._lock = Lock()  # handlers may use threads

    def chaozcode(self) -> "ChaozCode":
        """Return the attempt's client of ChaozCode, made on first use."""
        with self._lock:
            if self._chaozcode is None:
                access = self._to_chaozcode or no_chaozcode()
                key = access.key or _missing("CHAOZCODE_API_KEY", "ChaozCode")
                from clients.chaozcode.client import ChaozCode  # noqa: PLC0415 - see above

                self._chaozcode = ChaozCode(
                    key,
                    base_url=access.base_url,
                    timeout_seconds=self._seconds,
                    seconds_left=self._seconds_left,
                    longest_wait_seconds=access.longest_wait_seconds,
                    limiter=access.limiter,
                    transport=access.transport,
                )
            return self._chaozcode

    def chucky(self) -> "Chucky":
        """Return the attempt's client of Chucky, made on first use."""
        with self._lock:
            if self._chucky is None:
                access = self._to_chucky or no_chucky()
                token = access.key or _missing("CHUCKY_TOKEN", "Chucky")
                from clients.chucky.client import Chucky  # noqa: PLC0415 - see above

                self._chucky = Chucky(
                    token,
                    base_url=access.base_url,
                    timeout_seconds=self._seconds,
                    seconds_left=self._seconds_left,
                    longest_wait_seconds=access.longest_wait_seconds,
                    limiter=access.limiter,
                    transport=access.transport,
                )
            return self._chucky

    def close(self) -> None:
        """Close their connections; never raises."""
        made = (self._chaozcode, self._chucky)
        self._chaozcode = self._chucky = None
        for client in made:
            if client is not None:
                with suppress(Exception):  # a handler may have done anything to it
                    client.close()

    def _seconds_left(self) -> float:
        return self._ends_at - _MARGIN_SECONDS - monotonic()


class MakeApis(Protocol):
    """Makes the clients of an attempt."""

    def __call__(self, *, seconds: float) -> AttemptApis: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Apis:
    """Both APIs, as all attempts of a process reach them."""

    chaozcode: Access | None = None
    chucky: Access | None = None

    @classmethod
    def of(cls, settings: "ApiSettings", *, limiter: "Limiter | None" = None) -> Self:
        """Take them from the settings; `limiter` is for ChaozCode's plan, and shared by all workers."""
        key, token = settings.chaozcode_key, settings.chucky_token
        return cls(
            chaozcode=Access(
                key=key.get_secret_value() if key else None, base_url=settings.chaozcode_url, limiter=limiter
            ),
            chucky=Access(key=token.get_secret_value() if token else None, base_url=settings.chucky_url),
        )

    def __call__(self, *, seconds: float) -> AttemptApis:
        """Make the clients of one attempt."""
        return AttemptApis(seconds=seconds, chaozcode=self.chaozcode, chucky=self.chucky)


def no_chaozcode() -> NoReturn:
    """Stand in where nothing may be sent, as in tests."""
    raise ApiMisused(_in_a_test("ChaozCode", "chaozcode"))


def no_chucky() -> NoReturn:
    """Stand in where nothing may be sent, as in tests."""
    raise ApiMisused(_in_a_test("Chucky", "chucky"))


def _in_a_test(api: str, name: str) -> str:
    return (
        f"a test sends nothing to {api}: give it a fake, `from hooks_testkit import Fake{api}` and "
        f"{name}=Fake{api}() in run(…), EventPath(…) or deliver(…)"
    )


def _missing(variable: str, api: str) -> NoReturn:
    raise KeyMissing(variable, api)
