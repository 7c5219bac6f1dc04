"""The fakes of both APIs: the real clients over the sandbox, without a socket."""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from clients.chucky.errors import ConcurrencyLimitReached, DeveloperBudgetExhausted
from clients.errors import InvalidCall
from handlers import Context, Event, Router
from handlers.outcome import Dead, Retried, Succeeded
from handlers.testing import make_event, run
from hooks_testkit import FakeChaozCode, FakeChucky
from hooks_testkit.fake_api import ApiCall
from hooks_testkit.path import EventPath, deliver
from hooks_testkit.storm import Storm

router = Router()


@router.on("agent.failed", retries=3)
def diagnose(event: Event, ctx: Context) -> None:
    agent = ctx.chaozcode.agents.get(str(event.subject))
    answer = ctx.once("ask", lambda: ctx.chucky.prompt(f"Why did {agent.status}?").text)
    ctx.once("store", lambda: ctx.chaozcode.memory.store(id=f"why-{event.id}", content=answer))
    ctx.log.info("diagnosed", why=answer)


def failed_agent(chaozcode: FakeChaozCode) -> Event:
    agent = chaozcode.client.agents.spawn("explore", "this will fail")
    return make_event("agent.failed", agentId=agent.agent_id)


def test_what_a_handler_stores_can_be_read_back(chaozcode: FakeChaozCode) -> None:
    chucky = FakeChucky(replies=["The disk was full."])
    event = failed_agent(chaozcode)
    result = run(diagnose, event, chaozcode=chaozcode, chucky=chucky)
    assert result.outcome == Succeeded()
    assert chaozcode.client.memory.get(f"why-{event.id}").content == "The disk was full."
    assert chucky.calls == [
        ApiCall(method="POST", path="/prompt", body={"message": "Why did failed?", "options": {}})
    ]
    assert [(call.method, call.path) for call in chaozcode.calls] == [
        ("GET", f"/agents/{event.subject}"),
        ("POST", "/memory/store"),
    ]
    assert chaozcode.calls[1].body["content"] == "The disk was full."


def test_what_is_not_scripted_is_echoed(chucky: FakeChucky) -> None:
    chucky.replies("yes", to="Paris")
    assert chucky.client.prompt("Is it Rome?").text == "You said: Is it Rome?"
    assert chucky.client.prompt("Is it Paris?").text == "yes"
    with chucky.client.stream("one two three four") as stream:
        parts = list(stream)
    assert len(parts) >= 3
    assert stream.text == "You said: one two three four"
    assert chucky.calls == []


def ask(event: Event, ctx: Context) -> None:
    ctx.chucky.prompt("Why?")


def list_models(event: Event, ctx: Context) -> None:
    ctx.log.info("models", count=len(ctx.chaozcode.models.list()))


@pytest.mark.parametrize(
    ("error", "window", "expected"),
    [
        ("user_budget_exhausted", "hour", timedelta(hours=1)),
        ("user_budget_exhausted", "month", timedelta(days=31)),
        ("concurrent_limit_reached", "day", timedelta(seconds=30)),
    ],
)
def test_a_budget_that_runs_out_has_the_handler_called_again(
    chucky: FakeChucky, error: Any, window: Any, expected: timedelta
) -> None:
    chucky.fails(error, window=window)
    first = run(ask, make_event("agent.failed"), chucky=chucky)
    assert isinstance(first.outcome, Retried)
    assert timedelta(0) < first.outcome.delay <= expected
    assert (first.outcome.counted, first.error) == (False, None)
    assert run(ask, make_event("agent.failed"), chucky=chucky, after=first).outcome == Succeeded()


@pytest.mark.parametrize(
    ("error", "window"), [("user_budget_exhausted", "lifetime"), ("token_expired", "day")]
)
def test_what_never_comes_back_is_dead(chucky: FakeChucky, error: Any, window: Any) -> None:
    chucky.fails(error, window=window)
    assert isinstance(run(ask, make_event("agent.failed"), chucky=chucky).outcome, Dead)


def test_the_other_errors_of_chucky_come_with_their_fields(chucky: FakeChucky) -> None:
    seen: list[Exception] = []

    def look(event: Event, ctx: Context) -> None:
        for _ in range(3):
            try:
                ctx.chucky.prompt("Why?")
            except Exception as error:  # noqa: BLE001
                seen.append(error)

    chucky.fails("concurrent_limit_reached")
    chucky.fails("developer_budget_exhausted")
    chucky.replies("half an answer", subtype="error_max_turns")
    run(look, make_event("agent.failed"), chucky=chucky)
    busy, broke, short = seen
    assert isinstance(busy, ConcurrencyLimitReached)
    assert busy.max == 5
    assert isinstance(broke, DeveloperBudgetExhausted)
    assert broke.plan_seconds == 500_000
    assert "error_max_turns" in str(short)


def test_a_rate_limit_is_a_wait_and_a_500_a_failure(chaozcode: FakeChaozCode) -> None:
    event = make_event("agent.failed")
    chaozcode.fails(429, retry_after=90)
    chaozcode.fails(500, on="/models")
    waits = run(list_models, event, chaozcode=chaozcode)
    assert isinstance(waits.outcome, Retried)
    assert (waits.outcome.delay, waits.outcome.counted) == (timedelta(seconds=90), False)
    fails = run(list_models, event, chaozcode=chaozcode, after=waits)
    assert isinstance(fails.outcome, Retried)
    assert fails.outcome.counted
    assert run(list_models, event, chaozcode=chaozcode, after=fails).outcome == Succeeded()
    assert len(chaozcode.calls) == 3


def test_nobody_answers_until_it_recovers(chaozcode: FakeChaozCode) -> None:
    chaozcode.is_away(times=None)
    for _ in range(2):
        away = run(list_models, make_event("agent.failed"), chaozcode=chaozcode)
        assert away.error is not None
        assert away.error.error_type == "clients.errors.NotConnected"
    chaozcode.recovers()
    assert run(list_models, make_event("agent.failed"), chaozcode=chaozcode).outcome == Succeeded()


def test_an_answer_can_be_given_for_a_path(chaozcode: FakeChaozCode) -> None:
    chaozcode.answers("/agents/*", {"agentId": "agent_1", "status": "lost"})
    result = run(
        diagnose, make_event("agent.failed", agentId="agent_1"), chaozcode=chaozcode, chucky=FakeChucky()
    )
    assert result.logs[0]["why"] == "You said: Why did lost?"


def test_two_fakes_know_nothing_of_each_other(chaozcode: FakeChaozCode) -> None:
    chaozcode.client.memory.store(id="m1", content="x")
    assert FakeChaozCode().client.memory.search("x").total == 0


def test_a_path_goes_on_when_the_limit_is_over(chaozcode: FakeChaozCode) -> None:
    chaozcode.fails(429, on="/memory/store", retry_after=30)
    chucky = FakeChucky(replies=["The disk was full."])
    path = EventPath(router, chaozcode=chaozcode, chucky=chucky)
    event = failed_agent(chaozcode)
    waiting = path.deliver(event)
    assert waiting.state == "waiting"
    assert waiting.failures == ()
    assert waiting.delivery("diagnose").note
    path.advance(seconds=30)
    assert path.look(event).state == "done"
    assert path.look(event).delivery("diagnose").note is None
    assert len(chucky.calls) == 1


def test_delivered_events_and_storms_have_the_apis_too(chaozcode: FakeChaozCode, chucky: FakeChucky) -> None:
    event = failed_agent(chaozcode)
    assert deliver(router, event, chaozcode=chaozcode, chucky=chucky).state == "done"
    assert (
        Storm(router, chaozcode=chaozcode, chucky=chucky).duplicate(failed_agent(chaozcode), times=3).state
        == "done"
    )
    assert len(chucky.calls) == 2


def test_a_client_that_outlives_its_attempt_is_closed(chaozcode: FakeChaozCode, chucky: FakeChucky) -> None:
    kept: list[Any] = []

    def keep(event: Event, ctx: Context) -> None:
        kept.extend((ctx.chaozcode.user.me, ctx.chucky.usage))

    assert deliver(keep, make_event("agent.failed"), chaozcode=chaozcode, chucky=chucky).state == "done"
    for call in kept:
        with pytest.raises(InvalidCall, match="closed"):
            call()


def test_without_a_fake_the_path_tells_how_to_give_one() -> None:
    (failure,) = deliver(list_models, make_event("agent.failed")).failures
    assert "FakeChaozCode" in failure.message


def test_pytest_does_not_load_them_before_a_test_asks() -> None:
    code = (
        "import sys, hooks_testkit.plugin;"
        "slow = ('httpx2', 'flask', 'sandbox', 'hooks_testkit.fake_api');"
        "print([name for name in slow if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_nothing_else_is_in_the_package() -> None:
    import hooks_testkit  # noqa: PLC0415

    with pytest.raises(AttributeError, match="FakeOther"):
        _ = hooks_testkit.FakeOther


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (lambda: FakeChucky().fails("budget"), "user_budget_exhausted"),  # type: ignore[arg-type]
        (lambda: FakeChucky().fails(200), "no error"),
        (lambda: FakeChucky(replies="The disk was full."), "a list"),
        (lambda: FakeChaozCode().fails("user_budget_exhausted"), "400 to 599"),  # type: ignore[arg-type]
        (lambda: FakeChaozCode().fails(200), "no error"),
        (lambda: FakeChaozCode().fails(500, on="memory/store"), "'/memory/store'"),
        (lambda: FakeChaozCode().answers("memory/m1", {}), "'/memory/m1'"),
        (lambda: FakeChaozCode().is_away(on="memory/*"), "'/memory/*'"),
    ],
)
def test_what_could_not_happen_is_refused_with_what_to_write(said: Callable[[], None], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        said()
