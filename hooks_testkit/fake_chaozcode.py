"""ChaozCode in the test's own process, for handlers that use `ctx.chaozcode`.

    from hooks_testkit import FakeChaozCode

    def test_stores_a_summary() -> None:
        chaozcode = FakeChaozCode()
        run(keep_summary, make_event("agent.completed", agentId="agent_1"), chaozcode=chaozcode)
        assert chaozcode.client.memory.get("agent_1").content == "all is well"

It is the sandbox that `hooks sandbox` runs, without a socket: what handlers store can be read back.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any, Final

from clients.settings import CHAOZCODE_URL
from hooks_testkit.fake_api import FakeApi, Scripted, require_error
from sandbox.app import create_app
from sandbox.chaozcode.refusal import error_body
from sandbox.keys import FIXED_KEYS
from sandbox.world import World

if TYPE_CHECKING:
    from clients.chaozcode.client import ChaozCode
    from sandbox.webhook import Webhook

_MESSAGES: Final = {429: "Too many requests", 500: "Server error", 503: "Temporary outage"}


class FakeChaozCode(FakeApi):
    """ChaozCode as one test sees it: empty at first; no plan's limit is reached."""

    def __init__(self) -> None:
        chance = Random(0)  # noqa: S311 - ids of a test
        world = World(now=lambda: datetime.now(UTC), chance=chance, plan="enterprise")
        super().__init__(
            create_app(world, NoWebhooks(), later=AtOnce()),
            key=FIXED_KEYS["production"],
            base_url=CHAOZCODE_URL,
        )

    @cached_property
    def client(self) -> "ChaozCode":
        """A client of the test's own: to put something in, or to look at what is there; not in `calls`."""
        from clients.chaozcode.client import ChaozCode  # noqa: PLC0415 - loads slowly

        return ChaozCode(self._key, transport=self._sandbox)

    def fails(
        self,
        status: int,
        *,
        on: str = "*",
        times: int | None = 1,
        retry_after: int | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Have the next calls, or those to a path such as `/memory/store`, answered with this error.

        `retry_after` is in seconds, and named in the headers as ChaozCode does.
        """
        require_error(status)
        body = error_body(
            status, _MESSAGES.get(status, "Refused by the test"), details or {}, "req_of_a_test"
        )
        headers = {} if retry_after is None else {"X-RateLimit-RetryAfter": str(retry_after)}
        self._script(Scripted(method="*", path=on, left=times, status=status, body=body, headers=headers))


class NoWebhooks:
    """What is done to a fake sends no webhooks: the test has its events from `make_event`."""

    def emit(self, event_type: str, data: Mapping[str, Any]) -> str:  # noqa: ARG002
        return "evt_not_sent"

    def test(self, webhook: "Webhook") -> str:  # noqa: ARG002
        return "evt_not_sent"


class AtOnce:
    """Agents end when they are spawned: no test waits for one."""

    def call(self, seconds: float, function: Callable[[], object]) -> None:  # noqa: ARG002
        function()
