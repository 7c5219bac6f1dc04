"""`client.webhooks`: where ChaozCode sends events ("Webhook Endpoints")."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from clients.limits import check_choices, check_id, check_text, check_texts, check_webhook_url, given
from clients.reply import Reply, named

from .listing import Listing
from .undocumented import Acknowledged, read_loosely

if TYPE_CHECKING:
    from clients.exchange import Exchange

EVENT_TYPES: Final = (
    "memory.stored",
    "memory.updated",
    "memory.deleted",
    "agent.started",
    "agent.completed",
    "agent.failed",
    "project.updated",
    "usage.threshold",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook(Reply):
    """A webhook; the reply is not documented, so that any field may be None."""

    id: str | None = field(default=None, metadata=named("id", "webhookId"))
    url: str | None = None
    events: tuple[str, ...] = ()
    secret: str | None = field(default=None, repr=False)
    created_at: datetime | None = None


class Webhooks:
    """`client.webhooks`."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange

    def list(self) -> Listing[Webhook]:
        """List all webhooks: `GET /webhooks`."""
        return Listing[Webhook].of(Webhook, self._exchange.call("GET", ("webhooks",)), "webhooks")

    def create(self, url: str, events: Sequence[str], *, secret: str | None = None) -> Webhook:
        """Make a webhook: `POST /webhooks`.

        `url` is an HTTPS one (where ChaozCode itself is called by plain http, as the sandbox is, plain http
        to this machine is allowed too); `events` are of `EVENT_TYPES`; `secret` signs what is sent, and
        ChaozCode makes one where none is given. The id may be missing in the reply: `list` has it.
        """
        check_webhook_url(url, plain_here=self._exchange.base_url.startswith("http://"))
        check_texts("events", events, required=True)
        check_choices("events", events, EVENT_TYPES)
        if secret is not None:
            check_text("secret", secret)
        body = given(url=url, events=events, secret=secret)
        return read_loosely(Webhook, self._exchange.call("POST", ("webhooks",), body=body), "webhook")

    def delete(self, webhook_id: str) -> Acknowledged:
        """Delete a webhook: `DELETE /webhooks/{webhookId}`."""
        check_id("webhook_id", webhook_id)
        reply = self._exchange.call("DELETE", ("webhooks", webhook_id))
        return read_loosely(Acknowledged, reply, "webhook")

    def test(self, webhook_id: str) -> Acknowledged:
        """Have ChaozCode send a test event: `POST /webhooks/{webhookId}/test`."""
        check_id("webhook_id", webhook_id)
        reply = self._exchange.call("POST", ("webhooks", webhook_id, "test"))
        return read_loosely(Acknowledged, reply, "webhook")
