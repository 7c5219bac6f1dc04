"""ChaozCode's webhook endpoints in memory, in each of the ways that the API reference leaves open."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2

from clients.chaozcode.client import ChaozCode


@dataclass(slots=True, kw_only=True)
class Imitated:
    """Holds webhooks by id; `tick` is called before and after each effect, and may raise."""

    names_id: bool = True
    """Whether the reply to a creation has the id."""
    one_per_url: bool = False
    in_place: bool = False
    """Whether a second creation for a URL changes the webhook that is there."""
    shown_url: Callable[[str], str] = lambda url: url
    """How the list writes a URL."""
    numbers_ids: bool = False
    """Whether ids are numbers."""
    odd_creation: str = ""
    """What comes of a creation that is carried out: "other id", "no JSON", "cut", or "500 once"."""
    tick: Callable[[], None] = lambda: None
    webhooks: dict[str, dict[str, object]] = field(default_factory=dict)
    tested: list[str] = field(default_factory=list)
    made: int = 0

    def client(self) -> ChaozCode:
        return ChaozCode(
            "cc_dev_key", base_url="http://127.0.0.1/v2", transport=httpx2.MockTransport(self.answer)
        )

    def add(self, webhook_id: str, url: str, secret: str) -> None:
        self.webhooks[webhook_id] = {
            "id": webhook_id,
            "url": url,
            "events": ["memory.stored"],
            "secret": secret,
        }

    def secrets(self, url: str) -> list[str]:
        return [str(each["secret"]) for each in self.webhooks.values() if each["url"] == url]

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.tick()
        reply = self._answer(request)
        self.tick()
        return reply

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/v2/webhooks").strip("/").split("/")
        match request.method, path:
            case "GET", [""]:
                return httpx2.Response(
                    200, json={"webhooks": [self._shown(each) for each in self.webhooks.values()]}
                )
            case "POST", [""]:
                return self._create(json.loads(request.content))
            case "POST", [webhook_id, "test"] if webhook_id in self.webhooks:
                self.tested.append(webhook_id)
                return httpx2.Response(200, json={"ok": True})
            case "DELETE", [webhook_id] if webhook_id in self.webhooks:
                del self.webhooks[webhook_id]
                return httpx2.Response(204)
        return _refusal(404, "NOT_FOUND")

    def _create(self, asked: dict[str, object]) -> httpx2.Response:
        here = [each for each in self.webhooks.values() if each["url"] == asked["url"]]
        if here and self.one_per_url:
            return _refusal(409, "CONFLICT")
        if here and self.in_place:
            here[0]["secret"] = asked["secret"]
            return httpx2.Response(200, json={"ok": True})
        self.made += 1
        webhook_id = str(self.made) if self.numbers_ids else f"wh_new{self.made}"
        self.webhooks[webhook_id] = {"id": webhook_id, **asked}
        match self.odd_creation:
            case "other id":
                return httpx2.Response(201, json={"id": "req_1"})
            case "no JSON":
                return httpx2.Response(201, content=b"created")
            case "cut":
                raise httpx2.ReadError("the connection broke")
            case "500 once" if self.made == 1:
                return _refusal(500, "INTERNAL_ERROR")
        shown_id = self.made if self.numbers_ids else webhook_id
        return httpx2.Response(201, json={"id": shown_id} if self.names_id else {"ok": True})

    def _shown(self, webhook: dict[str, object]) -> dict[str, object]:
        shown = {name: value for name, value in webhook.items() if name != "secret"}
        shown["url"] = self.shown_url(str(webhook["url"]))
        if self.numbers_ids and str(webhook["id"]).isdecimal():
            shown["id"] = int(str(webhook["id"]))
        return shown


def _refusal(status: int, code: str) -> httpx2.Response:
    error = {"code": code, "message": "so it is", "details": {}, "requestId": "req_1"}
    return httpx2.Response(status, json={"error": error})
