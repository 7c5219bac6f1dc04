"""Chucky in the test's own process, for handlers that use `ctx.chucky`.

    from hooks_testkit import FakeChucky

    def test_tells_why() -> None:
        chucky = FakeChucky(replies=["The disk was full."])
        result = run(explain, make_event("agent.failed", agentId="agent_1"), chucky=chucky)
        assert "disk" in result.logs[0]["why"]
        assert chucky.calls[0].body["message"].startswith("Why did")

It is the sandbox that `hooks sandbox` runs, without a socket; what is not scripted is echoed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any, Final, Literal

from clients.settings import CHUCKY_URL
from hooks_testkit.fake_api import FakeApi, Scripted, require_error
from hooks_testkit.fake_chaozcode import AtOnce, NoWebhooks
from sandbox.app import create_app
from sandbox.chucky.desk import Desk
from sandbox.chucky.routes import chucky_routes
from sandbox.chucky.script import SUCCESS
from sandbox.chucky.script import Scripted as ScriptedReply
from sandbox.chucky.token import SANDBOX_TOKEN
from sandbox.world import World

if TYPE_CHECKING:
    from clients.chucky.client import Chucky

Failure = Literal[
    "token_expired", "user_budget_exhausted", "developer_budget_exhausted", "concurrent_limit_reached"
]
"""Chucky's documented errors."""
Window = Literal["hour", "day", "week", "month", "lifetime"]

_PROMPT: Final = "/prompt"
_ERRORS: Final[Mapping[str, tuple[int, Mapping[str, Any]]]] = {
    "token_expired": (401, {"error": "Token expired"}),
    "user_budget_exhausted": (
        429,
        {
            "error": "user_budget_exhausted",
            "ai": {"used": 1_000_000, "remaining": 0, "budget": 1_000_000},
            "compute": {"used": 3600, "remaining": 0, "budget": 3600},
        },
    ),
    "concurrent_limit_reached": (
        429,
        {
            "error": "concurrent_limit_reached",
            "active": 5,
            "max": 5,
            "sessions": [{"sessionId": "abc123", "userId": "user1", "ageMs": 45000}],
        },
    ),
    "developer_budget_exhausted": (
        402,
        {
            "error": "developer_budget_exhausted",
            "used": 500_000,
            "available": 0,
            "planSeconds": 500_000,
            "poolSeconds": 0,
        },
    ),
}
"""The reference's examples."""


class FakeChucky(FakeApi):
    """Chucky as one test sees it."""

    def __init__(self, replies: Sequence[str] = ()) -> None:
        """`replies` answer the prompts, one after the other; those after the last one are echoed."""
        if isinstance(replies, str):  # each of its letters would be a reply
            raise ValueError(f"replies are a list of texts: write replies=[{replies!r}]")  # noqa: TRY004
        now, chance = _utc_now, Random(0)  # noqa: S311 - ids of a test
        self._desk = Desk(now=now, chance=chance)
        app = create_app(World(now=now, chance=chance), NoWebhooks(), later=AtOnce())
        app.register_blueprint(chucky_routes(self._desk, sleep=lambda _seconds: None))
        super().__init__(app, key=SANDBOX_TOKEN, base_url=CHUCKY_URL)
        for text in replies:
            self.replies(text)

    @cached_property
    def client(self) -> "Chucky":
        """A client of the test's own; what it asks is not in `calls`."""
        from clients.chucky.client import Chucky  # noqa: PLC0415 - loads slowly

        return Chucky(self._key, transport=self._sandbox)

    def replies(
        self, text: str, *, to: str | None = None, subtype: str = SUCCESS, times: int | None = 1
    ) -> None:
        """Have a prompt answered with this text; `to` names what must occur in its message.

        A `subtype` other than success has the client raise `PromptFailed`.
        """
        self._desk.add_replies([ScriptedReply(text=text, match=to, left=times, subtype=subtype)])

    def fails(self, error: Failure | int, *, times: int | None = 1, window: Window = "day") -> None:
        """Have the next prompts answered with a documented error, or with this status.

        `window` is that of a budget which is used up: the handler is called again when the next one starts,
        or never, for `lifetime`.
        """
        if isinstance(error, int):
            require_error(error)
        elif error not in _ERRORS:
            raise ValueError(f"{error!r} is none of Chucky's errors: {', '.join(_ERRORS)}, or a status")
        self._desk.set_budgets(replace(self._desk.budgets, window=window))
        status, body = (error, {"error": f"status {error}"}) if isinstance(error, int) else _ERRORS[error]
        self._script(Scripted(method="POST", path=_PROMPT, left=times, status=status, body=body))


def _utc_now() -> datetime:
    return datetime.now(UTC)
