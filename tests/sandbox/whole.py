"""A whole sandbox without sockets and without sleep; its replies are werkzeug's TestResponse."""

from random import Random
from typing import Any

from werkzeug.test import Client

from sandbox.chucky.token import SANDBOX_TOKEN
from sandbox.sandbox import Sandbox
from sandbox.sender import NoReply, Reply
from sandbox.world import World
from tests.sandbox.hand_clock import HandClock


class Whole:
    def __init__(self) -> None:
        self.clock = HandClock()
        self.slept: list[float] = []
        self.posted: list[bytes] = []
        self.sandbox = Sandbox(
            World(now=self.clock, chance=Random(1)),
            now=self.clock,
            chance=Random(1),
            post=self._post,
            sleep=self.slept.append,
        )
        self.sandbox.know_webhook("http://127.0.0.1:1/", "whsec_of_the_test")
        self.client: Any = Client(self.sandbox.application)

    def start_anew(self) -> None:
        self.clock.reset()
        self.slept.clear()
        self.posted.clear()
        self.sandbox.reset()

    def _post(self, _url: str, _secret: bytes, body: bytes) -> Reply | NoReply:
        self.posted.append(body)
        return Reply(status=202, body=b"", seconds=0)

    def control(self, path: str, /, *, http: str = "POST", **fields: Any) -> Any:
        return self.client.open(f"/_sandbox{path}", method=http, json=fields or None)

    def get(self, path: str) -> Any:
        return self.client.get(path, headers={"Authorization": "Bearer cc_dev_sandbox"})

    def prompt(
        self, message: str = "Hello", *, token: str | None = SANDBOX_TOKEN, accept: str | None = None
    ) -> Any:
        options = {} if token is None else {"token": token}
        return self.client.post(
            "/prompt",
            json={"message": message, "options": options},
            headers={"Accept": accept} if accept else {},
        )

    def usage(self, token: str = SANDBOX_TOKEN) -> Any:
        return self.client.get("/usage", headers={"Authorization": f"Bearer {token}"}).json
