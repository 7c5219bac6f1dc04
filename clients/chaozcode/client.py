"""ChaozCode's REST API v2, its calls grouped as the API reference groups them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Self

from clients.errors import InvalidCall
from clients.exchange import Exchange
from clients.settings import CHAOZCODE_URL

from .agents import Agents
from .codebase import Codebase
from .error_reply import read_error
from .memory import MemorySpine
from .models import Models
from .projects import Projects
from .query import Query
from .user import User
from .webhooks import Webhooks

if TYPE_CHECKING:
    import httpx2

    from clients.limiter import Limiter
    from clients.rate_limit import RateLimit

_TIMEOUT_SECONDS: Final = 60.0
_LONGEST_WAIT_SECONDS: Final = 5.0


class ChaozCode:
    """A client of ChaozCode's, for one API key; threads may share it.

    with ChaozCode(api_key) as client:
        found = client.memory.search("how do we sign webhooks?", limit=5)
    """

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = CHAOZCODE_URL,
        timeout_seconds: float = _TIMEOUT_SECONDS,
        seconds_left: Callable[[], float] | None = None,
        longest_wait_seconds: float = _LONGEST_WAIT_SECONDS,
        limiter: "Limiter | None" = None,
        transport: "httpx2.BaseTransport | None" = None,
    ) -> None:
        """`timeout_seconds` bounds a call with all its repeats, as does `seconds_left`, asked at its start.

        `longest_wait_seconds` is the longest pause between two repeats: where the API, or the `limiter`,
        names a longer one, a `TryLater` is raised at once. `transport` stands in for the network. Raises
        `InvalidCall` for a key that no header can carry.
        """
        if not api_key or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
            raise InvalidCall(
                "the API key must be one word of ASCII characters, as ChaozCode's dashboard shows it"
            )
        self._exchange = Exchange(
            base_url,
            headers={"Authorization": f"Bearer {api_key}"},
            secrets=(api_key,),
            read_error=read_error,
            timeout_seconds=timeout_seconds,
            seconds_left=seconds_left,
            longest_wait_seconds=longest_wait_seconds,
            limiter=limiter,
            transport=transport,
        )
        self.query = Query(self._exchange)
        self.models = Models(self._exchange)
        self.memory = MemorySpine(self._exchange)
        self.codebase = Codebase(self._exchange)
        self.agents = Agents(self._exchange, seconds_left=seconds_left)
        self.projects = Projects(self._exchange)
        self.user = User(self._exchange)
        self.webhooks = Webhooks(self._exchange)

    @property
    def rate_limit(self) -> "RateLimit | None":
        """The figures of the last reply; None before the first."""
        return self._exchange.rate_limit

    def close(self) -> None:
        """Close the connections; the client can't be used afterwards."""
        self._exchange.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<ChaozCode at {self._exchange.base_url}>"
