"""A server that sends our key and token back wherever it can: neither is kept, logged or shown."""

import json
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2
import pytest
import structlog
from sqlalchemy import text
from structlog.testing import LogCapture

from clients.settings import CHAOZCODE_URL, CHUCKY_URL
from handlers import Context, Event, Router
from handlers.apis import Access, AttemptApis
from handlers.testing import make_event
from hooks_testkit.delivered import Delivered
from hooks_testkit.path import EventPath

KEY = "cc_live_7d1f0c55e2"
TOKEN = "eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl"
SECRETS = (KEY, TOKEN)

Answer = Callable[[httpx2.Request], httpx2.Response]
MakeAnswer = Callable[[str], Answer]
"""Given what the server was told, makes what it answers."""


@dataclass(frozen=True, kw_only=True)
class Echo:
    """What stands in for an API."""

    key: str
    base_url: str
    make_answer: MakeAnswer

    @property
    def access(self) -> Access:
        return Access(
            key=self.key,
            base_url=self.base_url,
            transport=httpx2.MockTransport(self.make_answer(self.key)),
            longest_wait_seconds=0,
        )


def saying(status: int, **headers: str) -> MakeAnswer:
    """Answer with an error of each API's form at once, the secret in all of its fields."""

    def make(secret: str) -> Answer:
        error = {"code": secret, "message": secret, "details": {secret: [secret]}, "requestId": secret}
        body = {"error": error, "message": secret, "id": secret, "content": secret, "text": secret, secret: 1}
        named = {name.replace("_", "-"): value.format(secret) for name, value in headers.items()}
        return lambda _request: httpx2.Response(status, headers={"X-Echo": secret, **named}, json=body)

    return make


def page(secret: str) -> Answer:
    headers = {"Content-Type": "text/html"}
    return lambda _request: httpx2.Response(502, headers=headers, text=f"<h1>{secret}</h1>")


def half(secret: str) -> Answer:
    headers = {"Content-Type": "application/json"}
    return lambda _request: httpx2.Response(200, headers=headers, text=f'{{"{secret}": "{secret}')


def broken(secret: str) -> Answer:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError(f"while {secret} was sent", request=request)

    return answer


def chuckys(name: str, status: int) -> MakeAnswer:
    return lambda secret: lambda _request: httpx2.Response(status, json={"error": f"{name} {secret}"})


def failed_prompt(secret: str) -> Answer:
    result = {"type": "result", "subtype": f"error {secret}", "text": secret}
    body = {"result": result, "messages": [result], "sessionId": secret}
    return lambda _request: httpx2.Response(200, json=body)


def stream(secret: str) -> Answer:
    text = f'event: {secret}\ndata: {{"type":"{secret}","text":"{secret}"}}\n\ndata: {secret}\n\n'
    headers = {"Content-Type": "text/event-stream"}
    return lambda _request: httpx2.Response(200, headers=headers, text=text)


ANSWERS: dict[str, MakeAnswer] = {
    **{str(status): saying(status) for status in (200, 400, 401, 403, 404, 409, 418, 422, 500, 503)},
    "429": saying(429, Retry_After="30"),
    "redirect": saying(302, Location="https://evil.example/{0}?{0}"),
    "page": page,
    "half": half,
    "broken": broken,
    "expired": chuckys("Token expired", 401),
    "refused": chuckys("Bad token", 401),
    "failed": failed_prompt,
    "stream": stream,
}

router = Router()


@router.on("agent.failed", retries=0)
def plain(event: Event, ctx: Context) -> None:
    ctx.once("get", lambda: ctx.chaozcode.memory.get("m1"))


@router.on("agent.failed", retries=0)
def prompts(event: Event, ctx: Context) -> None:
    ctx.once("ask", lambda: ctx.chucky.prompt("Why?"))


@router.on("agent.failed", retries=0)
def streams(event: Event, ctx: Context) -> None:
    with ctx.chucky.stream("Why?") as stream:
        ctx.log.info("streamed", text=[part.text for part in stream])


@router.on("agent.failed", retries=0)
def tells(event: Event, ctx: Context) -> None:
    """Log and keep all that an error has, as users do while they look for a mistake."""
    try:
        ctx.chaozcode.memory.store("m1", "x")
    except Exception as error:
        ctx.log.warning("failed", error=repr(error), fields=repr(vars(error)), client=repr(ctx.chaozcode))
        ctx.once("error", partial("".join, traceback.format_exception(error)))
        raise RuntimeError("my own words") from error


@pytest.fixture
def lines() -> Iterator[LogCapture]:
    """Capture what is logged by whoever it is."""
    capture, before = LogCapture(), structlog.get_config()
    structlog.configure(processors=[structlog.processors.format_exc_info, capture])
    yield capture
    structlog.configure(**before)


def rows(path: EventPath) -> str:
    with path.session() as session:
        names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
        tables = {name: session.execute(text(f'SELECT * FROM "{name}"')).all() for name in names}
    return repr(tables)


def everything_of(delivered: Delivered, lines: LogCapture) -> str:
    return "\n".join(
        (rows(delivered.path), repr(delivered), json.dumps(delivered.logs, default=str), repr(lines.entries))
    )


@pytest.mark.parametrize("name", ANSWERS)
def test_whatever_the_server_answers_no_secret_is_kept_or_logged(name: str, lines: LogCapture) -> None:
    chaozcode = Echo(key=KEY, base_url=CHAOZCODE_URL, make_answer=ANSWERS[name])
    chucky = Echo(key=TOKEN, base_url=CHUCKY_URL, make_answer=ANSWERS[name])
    delivered = EventPath(router, chaozcode=chaozcode, chucky=chucky).deliver(make_event("agent.failed"))
    written = everything_of(delivered, lines)
    assert [secret for secret in SECRETS if secret in written] == []
    assert len(delivered.calls) == 4


def test_neither_shows_in_what_an_attempt_has() -> None:
    to_chaozcode = Echo(key=KEY, base_url=CHAOZCODE_URL, make_answer=saying(200)).access
    to_chucky = Echo(key=TOKEN, base_url=CHUCKY_URL, make_answer=saying(200)).access
    apis = AttemptApis(seconds=30, chaozcode=to_chaozcode, chucky=to_chucky)
    shown: list[Any] = [to_chaozcode, to_chucky, apis, apis.chaozcode(), apis.chucky()]
    shown += [vars(apis.chaozcode()), str(to_chaozcode)]
    assert [secret for secret in SECRETS for one in shown if secret in repr(one)] == []
