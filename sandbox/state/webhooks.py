"""Registered webhooks."""

from collections.abc import Sequence

from sandbox.state.conflict import Clash, NoSuchThing
from sandbox.state.ground import Ground
from sandbox.webhook import Webhook


class Webhooks:
    """All webhooks, by their id."""

    def __init__(self, ground: Ground, *, one_per_url: bool) -> None:
        self._ground = ground
        self._one_per_url = one_per_url
        self._webhooks: dict[str, Webhook] = {}

    def create(self, url: str, events: Sequence[str], secret: str | None = None) -> Webhook:
        """Register one, with a new secret where none is given.

        Raises `Clash` where its URL has one already and may have no second.
        """
        with self._ground.lock:
            if self._one_per_url and any(known.url == url for known in self._webhooks.values()):
                raise Clash("there is already a webhook for this URL; delete it first")
            webhook = Webhook(
                id=self._ground.new_id("wh"),
                url=url,
                events=tuple(dict.fromkeys(events)),
                secret=secret or f"whsec_{self._ground.new_word(40)}",
                created_at=self._ground.now(),
            )
            self._webhooks[webhook.id] = webhook
            return webhook

    def get(self, webhook_id: str) -> Webhook:
        with self._ground.lock:
            webhook = self._webhooks.get(webhook_id)
        if webhook is None:
            raise NoSuchThing("webhook", webhook_id)
        return webhook

    def delete(self, webhook_id: str) -> Webhook:
        with self._ground.lock:
            webhook = self.get(webhook_id)
            del self._webhooks[webhook_id]
            return webhook

    def all(self) -> tuple[Webhook, ...]:
        with self._ground.lock:
            return tuple(self._webhooks.values())
