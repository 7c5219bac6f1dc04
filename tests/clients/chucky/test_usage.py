from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import stamina

from clients.chucky.budget import AiBudget
from clients.chucky.errors import ServerFailed, TokenExpired
from clients.errors import MalformedReply

from .prompted import TOKEN, USAGE, Prompted


def test_the_usage_has_what_is_documented(api: Prompted) -> None:
    usage = api.client.usage()
    (request,) = api.requests
    assert (request.method, str(request.url)) == ("GET", "https://conjure.chucky.cloud/usage")
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.content == b""
    assert (usage.user_id, usage.issuer_id) == ("demo-user", "jd77az049xjwsv0pbjqbrkfjws7z5136")
    assert (usage.window, usage.allowed) == ("day", True)
    assert usage.window_start == datetime(2026, 1, 14, tzinfo=UTC)
    assert usage.window_end == datetime(2026, 1, 15, tzinfo=UTC)
    assert usage.ai is not None
    assert (usage.ai.used, usage.ai.remaining, usage.ai.budget) == (150000, 4850000, 5000000)
    assert usage.compute is not None
    assert (usage.compute.used, usage.compute.remaining, usage.compute.budget) == (84, 359916, 360000)
    assert usage.raw == USAGE


def test_money_is_given_as_microdollars_and_as_exact_dollars(api: Prompted) -> None:
    ai = api.client.usage().ai
    assert ai is not None
    assert (ai.used_usd, ai.remaining_usd, ai.budget_usd) == (Decimal("0.15"), Decimal("4.85"), Decimal(5))
    assert f"{ai.remaining_usd:.2f}" == "4.85"


@pytest.mark.parametrize(
    ("microdollars", "dollars"),
    [(1, "0.000001"), (0.1, "0.0000001"), (-250000, "-0.25"), (1e15, "1000000000"), (None, None)],
)
def test_no_amount_is_rounded(microdollars: float | None, dollars: str | None) -> None:
    budget = AiBudget(raw={}, remaining=microdollars)
    assert budget.remaining_usd == (None if dollars is None else Decimal(dollars))


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"ai": None, "compute": 7, "window": 1, "window_start": "yesterday", "allowed": "yes"},
        {"ai": {"used": "much"}, "window": "fortnight", "window_start": "2026-01-14"},
    ],
)
def test_missing_fields_do_no_harm(api: Prompted, reply: Any) -> None:
    api.usage = reply
    usage = api.client.usage()
    assert usage.window_end is None
    assert usage.allowed is None
    assert usage.ai is None or usage.ai.used_usd is None


def test_a_reply_that_is_no_object_is_malformed(api: Prompted) -> None:
    api.usage = []
    with pytest.raises(MalformedReply):
        api.client.usage()


def test_an_expired_token_is_permanent(api: Prompted) -> None:
    api.usage_status, api.usage = 401, {"error": "Token expired"}
    with pytest.raises(TokenExpired, match="CHUCKY_TOKEN") as raised:
        api.client.usage()
    assert raised.value.permanent


def test_the_usage_is_asked_for_again_where_the_server_fails(api: Prompted) -> None:
    api.usage_status, api.longest_wait_seconds = 503, 1
    with stamina.set_testing(True, attempts=3), pytest.raises(ServerFailed):
        api.client.usage()
    assert api.paths == ["/usage"] * 3
