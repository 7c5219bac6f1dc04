"""`ctx.chaozcode` and `ctx.chucky`: made on first use, closed with the attempt, and bounded by it."""

import subprocess
import sys
from typing import Any

import httpx2
import pytest

from clients.errors import InvalidCall, KeyMissing
from clients.limiter import NoLimiter
from clients.settings import CHAOZCODE_URL, CHUCKY_URL, ApiSettings
from handlers import Context, Event, Router
from handlers.api_examples import chaozcode_example, chucky_example
from handlers.apis import Access, ApiMisused, Apis, AttemptApis
from handlers.http_record import RecordingTransport
from handlers.outcome import Dead
from handlers.testing import make_event, run

KEY = "cc_dev_of_a_test"


def access(answer: Any, **changes: Any) -> Access:
    values: dict[str, Any] = {
        "key": KEY,
        "base_url": CHAOZCODE_URL,
        "transport": httpx2.MockTransport(answer),
    }
    return Access(**values | changes)


def test_a_client_is_made_once_and_closed_with_the_attempt() -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json={"plan": "pro"})

    apis = AttemptApis(seconds=30, chaozcode=access(answer), chucky=access(answer))
    client = apis.chaozcode()
    assert apis.chaozcode() is client
    assert apis.chucky() is apis.chucky()
    assert client.user.me().plan == "pro"
    assert str(asked[0].url) == f"{CHAOZCODE_URL}/user/me"
    assert asked[0].headers["Authorization"] == f"Bearer {KEY}"
    apis.close()
    apis.close()
    with pytest.raises(InvalidCall, match="closed"):
        client.user.me()


def test_the_attempts_end_bounds_a_call() -> None:
    seen: list[float] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.extensions["timeout"]["read"])
        return httpx2.Response(200, json={})

    AttemptApis(seconds=3, chaozcode=access(answer)).chaozcode().user.me()
    assert 0 < seen[0] <= 2.8


def test_an_api_without_its_key_names_the_variable_when_it_is_used() -> None:
    apis = Apis.of(ApiSettings(_env_file=None))(seconds=30)
    with pytest.raises(KeyMissing, match="CHAOZCODE_API_KEY is not set, so ChaozCode can't be called"):
        apis.chaozcode()
    with pytest.raises(KeyMissing, match="CHUCKY_TOKEN is not set"):
        apis.chucky()
    apis.close()


def test_the_settings_say_how_the_apis_are_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAOZCODE_API_KEY", KEY)
    monkeypatch.setenv("CHAOZCODE_API_URL", "http://127.0.0.1:8010/v2/")
    limiter = NoLimiter()
    apis = Apis.of(ApiSettings(_env_file=None), limiter=limiter)
    assert apis.chaozcode == Access(key=KEY, base_url="http://127.0.0.1:8010/v2", limiter=limiter)
    assert apis.chucky == Access(key=None, base_url=CHUCKY_URL)
    assert KEY not in repr(apis)


def test_a_worker_whose_handlers_call_no_api_does_not_load_the_clients() -> None:
    code = (
        "import sys, handlers, handlers.apis, workers.delivery, clients.settings;"
        "print([name for name in ('httpx2', 'clients.exchange', 'clients.chaozcode.client')"
        " if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


router = Router()


@router.on("agent.failed")
def ask(event: Event, ctx: Context) -> None:
    ctx.chucky.prompt("Why?")


@router.on("agent.completed")
def keep(event: Event, ctx: Context) -> None:
    ctx.chaozcode.memory.store(id="m1", content="done")


@pytest.mark.parametrize(
    ("handler", "event_type", "name"),
    [
        (ask, "agent.failed", "chucky=FakeChucky()"),
        (keep, "agent.completed", "chaozcode=FakeChaozCode()"),
    ],
)
def test_a_test_without_a_fake_is_told_how_to_give_one(handler: Any, event_type: str, name: str) -> None:
    outcome = run(handler, make_event(event_type), failures=5).outcome
    assert isinstance(outcome, Dead)
    assert outcome.error.error_type == f"{ApiMisused.__module__}.ApiMisused"
    assert name in outcome.error.message
    assert "from hooks_testkit import" in outcome.error.message


def recorded() -> tuple[AttemptApis, RecordingTransport]:
    """Give what a dry run has."""
    recording = RecordingTransport()
    return AttemptApis(
        seconds=30,
        chaozcode=Access(
            key="of_a_dry_run", base_url=CHAOZCODE_URL, transport=recording.answering(chaozcode_example)
        ),
        chucky=Access(key="of_a_dry_run", base_url=CHUCKY_URL, transport=recording.answering(chucky_example)),
    ), recording


def test_a_dry_run_answers_with_the_documented_examples() -> None:
    apis, recording = recorded()
    chaozcode, chucky = apis.chaozcode(), apis.chucky()
    assert chaozcode.query("Explain REST").finish_reason == "stop"
    assert chaozcode.memory.store(id="m1", content="x").ok
    assert chaozcode.memory.search("auth").results[0].score == 0.92
    assert chaozcode.memory.get("a/b c").id == "a/b c"
    assert chaozcode.memory.stats().status == "healthy"
    chaozcode.memory.delete("m1")
    assert chaozcode.agents.wait("agent_7", timeout_seconds=5).agent_id == "agent_7"
    assert chaozcode.user.me().plan == "pro"
    assert chaozcode.models.list()[0].id == "gpt-4"
    assert chucky.prompt("Capital of France?").text == "The capital of France is Paris."
    assert chucky.usage().allowed
    assert [(call.method, call.url.removeprefix(CHAOZCODE_URL)) for call in recording.calls[:4]] == [
        ("POST", "/query"),
        ("POST", "/memory/store"),
        ("POST", "/memory/search"),
        ("GET", "/memory/a%2Fb%20c"),
    ]
    assert recording.calls[-1].url == f"{CHUCKY_URL}/usage"


def test_a_dry_run_answers_streams_too() -> None:
    apis, recording = recorded()
    with apis.chaozcode().query.stream("Explain REST") as stream:
        assert len(list(stream)) == 5
        assert stream.text == "REST and GraphQL..."
    with apis.chucky().stream("Capital of France?") as stream:
        assert len(list(stream)) == 4
        assert stream.text == "The capital of France is Paris."
    assert [call.url.rpartition("/")[2] for call in recording.calls] == ["stream", "prompt"]
