"""What each error reply becomes, whether it is permanent, and when to try again."""

import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
import stamina

from clients.chucky.budget import AiBudget, ComputeBudget
from clients.chucky.client import Chucky
from clients.chucky.errors import (
    ChuckyError,
    ChuckyStatus,
    ConcurrencyLimitReached,
    DeveloperBudgetExhausted,
    PromptFailed,
    ServerFailed,
    TokenExpired,
    TokenRefused,
    TooManyRequests,
    UserBudgetExhausted,
)
from clients.errors import ApiError, ReplyLost, TryLater

from .prompted import NOW, TOKEN, USAGE, Prompted

USER_BUDGET = {
    "error": "user_budget_exhausted",
    "ai": {"used": 1000000, "remaining": 0, "budget": 1000000},
    "compute": {"used": 3600, "remaining": 0, "budget": 3600},
}
DEVELOPER_BUDGET = {
    "error": "developer_budget_exhausted",
    "used": 500000,
    "available": 0,
    "planSeconds": 500000,
    "poolSeconds": 0,
}
CONCURRENCY = {
    "error": "concurrent_limit_reached",
    "active": 5,
    "max": 5,
    "sessions": [{"sessionId": "abc123", "userId": "user1", "ageMs": 45000}],
}


def refusal(api: Prompted, status: int, reply: Any) -> ChuckyError:
    api.prompt_status, api.prompt = status, reply
    with pytest.raises(ChuckyError) as raised:
        api.client.prompt("Hi")
    return raised.value


@pytest.mark.parametrize(
    ("status", "reply", "kind", "permanent"),
    [
        (401, {"error": "Token expired"}, TokenExpired, True),
        (401, {"error": "token has EXPIRED"}, TokenExpired, True),
        (401, {"error": "Invalid token"}, TokenRefused, True),
        (401, b"<h1>Unauthorized</h1>", TokenRefused, True),
        (400, {"error": "message is required"}, ChuckyStatus, True),
        (403, {"error": {"message": "no"}}, ChuckyStatus, True),
        (404, b"", ChuckyStatus, True),
        (408, {}, ChuckyStatus, False),
        (429, {"error": "slow down"}, TooManyRequests, False),
        (429, b"<html>busy</html>", TooManyRequests, False),
        (500, {"error": "Internal"}, ServerFailed, False),
        (502, b"[" * 100_000, ServerFailed, False),
        (503, [], ServerFailed, False),
        (429, CONCURRENCY, ConcurrencyLimitReached, False),
        (429, USER_BUDGET, UserBudgetExhausted, False),
        (402, DEVELOPER_BUDGET, DeveloperBudgetExhausted, False),
        (200, {"error": "user_budget_exhausted"}, UserBudgetExhausted, False),
        (200, {"error": "overloaded"}, ChuckyStatus, False),
        (200, {"result": None, "error": "overloaded"}, ChuckyStatus, False),
    ],
)
def test_each_reply_has_its_error(
    api: Prompted, status: int, reply: Any, kind: type[ChuckyError], permanent: bool
) -> None:
    error = refusal(api, status, reply)
    assert type(error) is kind
    assert error.status == status
    assert error.permanent is permanent
    assert f"Chucky answered {status}" in str(error)
    assert api.paths.count("/prompt") == 1


def test_the_users_budget_has_its_documented_figures(api: Prompted) -> None:
    error = refusal(api, 429, USER_BUDGET)
    assert isinstance(error, UserBudgetExhausted)
    assert isinstance(error, TryLater)
    assert isinstance(error.ai, AiBudget)
    assert (error.ai.used, error.ai.remaining, error.ai.budget) == (1000000, 0, 1000000)
    assert error.ai.used_usd == 1
    assert isinstance(error.compute, ComputeBudget)
    assert (error.compute.used, error.compute.remaining, error.compute.budget) == (3600, 0, 3600)


def test_the_developers_budget_has_its_documented_figures(api: Prompted) -> None:
    error = refusal(api, 402, DEVELOPER_BUDGET)
    assert isinstance(error, DeveloperBudgetExhausted)
    assert isinstance(error, TryLater)
    assert (error.used, error.available, error.plan_seconds, error.pool_seconds) == (500000, 0, 500000, 0)


def test_the_concurrency_limit_has_its_documented_figures(api: Prompted) -> None:
    error = refusal(api, 429, CONCURRENCY)
    assert isinstance(error, ConcurrencyLimitReached)
    assert isinstance(error, TryLater)
    assert (error.active, error.max) == (5, 5)
    assert error.sessions == ({"sessionId": "abc123", "userId": "user1", "ageMs": 45000},)
    assert error.retry_after == 30
    assert api.paths == ["/prompt"]


def test_figures_of_other_types_do_no_harm(api: Prompted) -> None:
    error = refusal(api, 429, {**CONCURRENCY, "active": "5", "max": None, "sessions": {"a": 1}})
    assert isinstance(error, ConcurrencyLimitReached)
    assert (error.active, error.max, error.sessions) == (None, None, ())
    error = refusal(api, 429, {"error": "user_budget_exhausted", "ai": [], "compute": {"used": "x"}})
    assert isinstance(error, UserBudgetExhausted)
    assert error.ai is None
    assert error.compute == ComputeBudget(raw={"used": "x"})


def test_a_named_wait_is_obeyed_on_429_and_503_alone(api: Prompted) -> None:
    api.headers = {"Retry-After": "7"}
    assert refusal(api, 429, CONCURRENCY).retry_after == 7
    assert refusal(api, 429, {}).retry_after == 7
    assert refusal(api, 503, {}).retry_after == 7
    assert refusal(api, 500, {}).retry_after is None
    assert refusal(api, 401, {}).retry_after is None


@pytest.mark.parametrize("reply", [(429, USER_BUDGET), (402, DEVELOPER_BUDGET)])
@pytest.mark.parametrize(
    ("window", "start", "ends"),
    [
        ("hour", "2026-01-14T14:30:00.000Z", datetime(2026, 1, 14, 15, 30, tzinfo=UTC)),
        ("day", "2026-01-14T00:00:00.000Z", datetime(2026, 1, 15, tzinfo=UTC)),
        ("week", "2026-01-12T00:00:00Z", datetime(2026, 1, 19, tzinfo=UTC)),
        ("month", "2026-01-01T00:00:00+00:00", datetime(2026, 2, 1, tzinfo=UTC)),
    ],
)
def test_a_budgets_error_names_when_its_window_ends(
    api: Prompted, reply: tuple[int, Any], window: str, start: str, ends: datetime
) -> None:
    api.usage = {**USAGE, "allowed": False, "window": window, "window_start": start}
    error = refusal(api, *reply)
    assert error.retry_after == (ends - NOW).total_seconds()
    assert not error.permanent
    assert api.paths == ["/prompt", "/usage"]
    assert api.requests[1].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("reply", [(429, USER_BUDGET), (402, DEVELOPER_BUDGET)])
def test_the_budget_of_a_lifetime_never_starts_anew(api: Prompted, reply: tuple[int, Any]) -> None:
    api.usage = {**USAGE, "window": "lifetime"}
    api.headers = {"Retry-After": "7"}
    error = refusal(api, *reply)
    assert error.permanent
    assert error.retry_after is None
    assert str(error).endswith("never starts anew")


@pytest.mark.parametrize(
    ("status", "usage"),
    [
        (500, {}),
        (401, {"error": "Token expired"}),
        (200, b"<html>"),
        (200, []),
        (200, httpx2.ReadError("reset")),
        (200, {**USAGE, "window": "fortnight"}),
        (200, {**USAGE, "window_start": None}),
        (200, {**USAGE, "window_start": "9999-12-31T23:59:59Z"}),
        (200, {**USAGE, "window_start": "2126-01-01T00:00:00Z"}),
    ],
)
def test_where_the_window_can_not_be_told_it_is_an_hour_or_what_the_reply_named(
    api: Prompted, status: int, usage: Any
) -> None:
    api.usage_status, api.usage = status, usage
    error = refusal(api, 429, USER_BUDGET)
    assert error.retry_after == 3600
    assert not error.permanent
    api.headers = {"Retry-After": "7"}
    assert refusal(api, 429, USER_BUDGET).retry_after == 7


def test_a_window_that_should_be_over_by_our_clock_is_waited_for_a_minute(api: Prompted) -> None:
    api.usage = {**USAGE, "window_start": "2026-01-13T00:00:00Z"}
    assert refusal(api, 429, USER_BUDGET).retry_after == 60


def test_other_errors_do_not_ask_for_the_usage(api: Prompted) -> None:
    for status in (401, 429, 500):
        refusal(api, status, {"error": "x"})
    assert set(api.paths) == {"/prompt"}


@pytest.mark.parametrize(
    "result",
    [
        {"type": "result", "subtype": "error_max_turns", "total_cost_usd": 0.2},
        {"type": "result", "subtype": "error_during_execution", "text": "it broke"},
        {"subtype": ""},
    ],
)
def test_a_result_that_is_no_success_is_an_error(api: Prompted, result: dict[str, Any]) -> None:
    error = refusal(api, 200, {"result": result, "messages": [], "sessionId": "s"})
    assert isinstance(error, PromptFailed)
    assert error.subtype == result["subtype"]
    assert error.result.raw == result
    assert error.result.total_cost_usd == result.get("total_cost_usd")
    assert result["subtype"] in str(error)
    assert result.get("text", "") in str(error)
    assert not error.permanent
    assert error.retry_after is None


def test_a_prompt_is_repeated_only_where_it_had_no_effect(api: Prompted) -> None:
    api.longest_wait_seconds = 2
    for reply, status, kind in (
        ({"error": "x"}, 500, ServerFailed),
        ({"error": "x"}, 503, ServerFailed),
        (httpx2.ReadError("reset"), 200, ReplyLost),
        (USER_BUDGET, 429, UserBudgetExhausted),
    ):
        api.requests.clear()
        api.prompt, api.prompt_status = reply, status
        with pytest.raises(kind):
            api.client.prompt("Hi")
        assert api.paths.count("/prompt") == 1
    api.prompt, api.prompt_status, api.headers = CONCURRENCY, 429, {"Retry-After": "1"}
    api.requests.clear()
    with stamina.set_testing(True, attempts=3), pytest.raises(ConcurrencyLimitReached):
        api.client.prompt("Hi")
    assert api.paths == ["/prompt"] * 3


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (401, {"error": f"bad token {TOKEN}"}),
        (500, {"error": {"message": f"options.token={TOKEN}"}}),
        (200, {"result": {"subtype": "error", "text": f"your token is {TOKEN}"}}),
        (200, {"error": f"token {TOKEN}"}),
        (429, {**CONCURRENCY, "sessions": [{"userId": TOKEN}]}),
        (200, f"no json {TOKEN}".encode()),
        (200, httpx2.ReadError(f"while sending {TOKEN}")),
    ],
)
def test_the_token_is_in_no_error_and_no_traceback(api: Prompted, status: int, reply: Any) -> None:
    api.prompt_status, api.prompt = status, reply
    with pytest.raises(ApiError) as raised:
        api.client.prompt("Hi")
    assert TOKEN not in str(raised.value) + repr(vars(raised.value))
    assert TOKEN not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("call", [lambda client: client.prompt("Hi"), lambda client: client.usage()])
def test_no_frame_of_ours_shows_the_token_where_a_tool_shows_variables(
    api: Prompted, call: Callable[[Chucky], Any]
) -> None:
    api.prompt_status = api.usage_status = 500

    def fail() -> ApiError:
        try:
            call(api.client)
        except ApiError as error:
            return error
        raise AssertionError("it should fail")

    told = traceback.TracebackException.from_exception(fail(), capture_locals=True)
    ours = [frame for frame in told.stack if "/clients/" in frame.filename.replace("tests/clients", "")]
    assert ours
    assert all(TOKEN not in value for frame in ours for value in (frame.locals or {}).values())
    assert all("exchange" not in frame.filename for frame in told.stack)
