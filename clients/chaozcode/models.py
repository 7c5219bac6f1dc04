"""`client.models`: the AI models that can be asked ("AI Query Endpoints", GET /models)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clients.reply import Reply

from .listing import Listing

if TYPE_CHECKING:
    from clients.exchange import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Reply):
    """One model; the unit of its prices is not documented."""

    id: str | None = None
    name: str | None = None
    provider: str | None = None
    context_window: int | None = None
    """Tokens."""
    input_price: float | None = None
    output_price: float | None = None
    capabilities: tuple[str, ...] = ()


class Models:
    """`client.models.list()`."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange

    def list(self) -> Listing[Model]:
        """List all models, with what they can do and cost: `GET /models`."""
        return Listing[Model].of(Model, self._exchange.call("GET", ("models",)), "models")
