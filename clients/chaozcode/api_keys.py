"""`client.user.api_keys`: the user's API keys ("User Endpoints", "API Key Types")."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from clients.limits import check_choice, check_id, check_object, check_text, given
from clients.reply import Reply, named

from .listing import Listing
from .undocumented import Acknowledged, read_loosely

if TYPE_CHECKING:
    from clients.exchange import Exchange

KEY_TYPES: Final = ("development", "production", "readonly", "restricted")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey(Reply):
    """An API key; the reply is not documented, so that any field may be None."""

    id: str | None = field(default=None, metadata=named("id", "keyId"))
    name: str | None = None
    type: str | None = None
    """development, production, readonly or restricted."""
    key: str | None = field(
        default=None, repr=False, metadata=named("key", "apiKey", "value", "token", "secret", "maskedKey")
    )
    """Whole in the reply to `create` alone, which is the only time it can be had; masked in a list."""
    created_at: datetime | None = None
    last_used_at: datetime | None = None


class ApiKeys:
    """`client.user.api_keys`."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange

    def list(self) -> Listing[ApiKey]:
        """List all keys, masked: `GET /user/api-keys`."""
        return Listing[ApiKey].of(ApiKey, self._exchange.call("GET", ("user", "api-keys")), "apiKeys")

    def create(
        self,
        *,
        name: str | None = None,
        type: str | None = None,  # noqa: A002 - as documented
        fields: Mapping[str, Any] | None = None,
    ) -> ApiKey:
        """Make a key: `POST /user/api-keys`.

        `type` is development, production, readonly or restricted. Which fields it takes is not documented:
        `fields` are sent as they are.
        """
        check_text("name", name, required=False)
        check_choice("type", type, KEY_TYPES)
        check_object("fields", fields)
        body = {**(fields or {}), **given(name=name, type=type)}
        reply = self._exchange.call("POST", ("user", "api-keys"), body=body)
        return read_loosely(ApiKey, reply, "apiKey", "key")

    def revoke(self, key_id: str) -> Acknowledged:
        """Revoke a key: `DELETE /user/api-keys/{keyId}`."""
        check_id("key_id", key_id)
        reply = self._exchange.call("DELETE", ("user", "api-keys", key_id))
        return read_loosely(Acknowledged, reply, "apiKey")
