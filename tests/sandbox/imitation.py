"""ChaozCode's side of the sandbox in this process: with a clock of its own, and webhooks that go nowhere."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.test import TestResponse

from sandbox.app import create_app
from sandbox.keys import FIXED_KEYS
from sandbox.outbox import Outbox
from sandbox.sender import NoReply
from sandbox.world import World

DEVELOPMENT = FIXED_KEYS["development"]
PRODUCTION = FIXED_KEYS["production"]
READONLY = FIXED_KEYS["readonly"]
RESTRICTED = FIXED_KEYS["restricted"]


class Clock:
    """Stands still unless it is told to pass; what is to happen later happens then."""

    def __init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        self.at = datetime(2026, 1, 30, 12, tzinfo=UTC)
        self._later: list[tuple[datetime, Callable[[], object]]] = []

    def now(self) -> datetime:
        return self.at

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        due = [function for at, function in self._later if at <= self.at]
        self._later = [(at, function) for at, function in self._later if at > self.at]
        for function in due:
            function()

    def call(self, seconds: float, function: Callable[[], object]) -> None:
        self._later.append((self.at + timedelta(seconds=seconds), function))


class Imitation:
    """The application, called as a client would call it."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.world = World(now=self.clock.now, chance=random.Random(7), **options)
        self._outbox = Outbox(
            lambda: self.world.webhooks.all(),  # noqa: PLW0108 - a reset makes other webhooks
            post=lambda url, secret, body: NoReply(reason="not sent", is_refused=True, seconds=0),
            now=self.clock.now,
            chance=random.Random(8),
        )
        self.app = create_app(self.world, self._outbox, later=self.clock)

    def start_anew(self) -> None:
        """Forget everything; quicker than to build another."""
        self.clock.start_anew()
        self._outbox.forget()
        self.world.reset()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = DEVELOPMENT,
        raw: bytes | None = None,
    ) -> TestResponse:
        return self.app.test_client().open(
            f"/v2{path}",
            method=method,
            data=raw if raw is not None else None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {key}"} if key is not None else {},
            content_type="application/json",
        )

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> TestResponse:
        return self.call("POST", path, body, **more)

    def subscribe(self, *events: str) -> None:
        self.world.webhooks.create("https://receiver.example/", events)

    def emitted(self) -> list[tuple[str, Any]]:
        """Give what was sent to the webhooks so far: types, and data."""
        events = [json.loads(delivery.body) for delivery in self._outbox.deliveries()]
        return [(event["type"], event["data"]) for event in events]


def error_of(response: TestResponse) -> dict[str, Any]:
    """Give an error reply's content; fails where it is not of the documented shape."""
    assert set(response.json) == {"error"}  # type: ignore[arg-type]
    error: dict[str, Any] = response.json["error"]  # type: ignore[index]
    assert list(error) == ["code", "message", "details", "requestId"]
    assert error["requestId"].startswith("req_")
    assert response.content_type == "application/json"
    return error
