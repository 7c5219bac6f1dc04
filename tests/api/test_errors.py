"""Each error of the sandbox is as described, and reaches who called as the client's type for it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from clients.chaozcode import errors
from clients.chaozcode.client import ChaozCode
from clients.chucky import errors as chuckys
from clients.chucky.client import Chucky
from clients.errors import ApiError
from sandbox.chucky.token import make_token
from sandbox.keys import FIXED_KEYS, KeyType
from sandbox.sandbox import Sandbox
from tests.api.conftest import Clock, Receiver, a_sandbox, within
from tests.api.descriptions import CHAOZCODE, CHUCKY
from tests.api.documents import ERROR_CODES
from tests.api.wire import HeldWire

CALLS: dict[str, Callable[[ChaozCode], object]] = {
    "POST /query": lambda client: client.query("Hello"),
    "GET /models": lambda client: client.models.list(),
    "PUT /memory/{id}": lambda client: client.memory.update("m", content="c"),
    "DELETE /webhooks/{webhookId}": lambda client: client.webhooks.delete("wh_1"),
}


def caught(call: Callable[[], object], kind: type[ApiError]) -> ApiError:
    with pytest.raises(kind) as raised:
        call()
    assert type(raised.value) is kind
    return raised.value


def assert_documented(error: ApiError, status: int) -> None:
    assert isinstance(error, errors.ChaozCodeError)
    assert (error.status, error.code) == (status, ERROR_CODES[status])
    assert error.request_id
    assert error.rate_limit is not None
    assert error.rate_limit.limit is not None


@pytest.mark.parametrize("endpoint", CALLS)
def test_an_unknown_key_is_told(wire: HeldWire, endpoint: str) -> None:
    with ChaozCode("cc_live_unknown", transport=wire) as client:
        error = caught(lambda: CALLS[endpoint](client), errors.Unauthorized)
    assert_documented(error, 401)
    assert error.permanent


@pytest.mark.parametrize(
    ("kind", "endpoint"),
    [
        ("readonly", "POST /query"),
        ("readonly", "PUT /memory/{id}"),
        ("restricted", "PUT /memory/{id}"),
        ("restricted", "DELETE /webhooks/{webhookId}"),
    ],
)
def test_a_key_that_is_not_for_this_is_told(wire: HeldWire, kind: KeyType, endpoint: str) -> None:
    with ChaozCode(FIXED_KEYS[kind], transport=wire) as client:
        error = caught(lambda: CALLS[endpoint](client), errors.Forbidden)
    assert_documented(error, 403)
    assert error.permanent


def test_what_does_not_exist_and_what_exists_already_is_told(chaozcode: ChaozCode) -> None:
    assert_documented(caught(lambda: chaozcode.memory.get("m"), errors.NotFound), 404)
    chaozcode.memory.store("m", "c")
    assert_documented(caught(lambda: chaozcode.memory.store("m", "c"), errors.Conflict), 409)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize(
    ("fault", "kind"),
    [("429", errors.RateLimited), ("500", errors.InternalError), ("503", errors.ServiceUnavailable)],
)
def test_limits_and_failures_are_told(
    sandbox: Sandbox,
    wire: HeldWire,
    key: str,
    fault: str,
    kind: type[ApiError],
    call: Callable[[ChaozCode], object],
) -> None:
    sandbox.faults.add(fault, count=None, seconds=40)
    with ChaozCode(key, transport=wire, timeout_seconds=0.5, longest_wait_seconds=0) as client:
        error = caught(lambda: call(client), kind)
    assert_documented(error, int(fault))
    assert not error.permanent
    assert error.retry_after == (None if fault == "500" else 40)


def test_a_plans_limit_is_told() -> None:
    clock = Clock()
    sandbox = a_sandbox(clock, Receiver(), plan="free")
    wire = HeldWire(CHAOZCODE, within(sandbox))
    with ChaozCode(FIXED_KEYS["development"], transport=wire, longest_wait_seconds=0) as client:
        for _ in range(20):  # the burst
            client.models.list()
        error = caught(client.models.list, errors.RateLimited)
        assert_documented(error, 429)
        assert error.retry_after == 6  # 10 a minute
        clock.pass_by(6)
        client.models.list()


def test_chuckys_budgets_are_told(sandbox: Sandbox, chucky: Chucky) -> None:
    usual = sandbox.desk.budgets
    sandbox.desk.set_budgets(replace(usual, ai_microdollars=0))
    error = caught(lambda: chucky.prompt("Hello"), chuckys.UserBudgetExhausted)
    assert isinstance(error, chuckys.UserBudgetExhausted)
    assert error.ai is not None
    assert error.ai.budget == 0
    assert error.compute is not None
    assert error.compute.budget == usual.compute_seconds
    sandbox.desk.set_budgets(replace(usual, developer_plan_seconds=0))
    error = caught(lambda: chucky.prompt("Hello"), chuckys.DeveloperBudgetExhausted)
    assert isinstance(error, chuckys.DeveloperBudgetExhausted)
    assert (error.used, error.available, error.plan_seconds, error.pool_seconds) == (0, 0, 0, 0)


def test_chuckys_limit_of_concurrency_is_told(sandbox: Sandbox, chucky_wire: HeldWire, token: str) -> None:
    sandbox.desk.set_budgets(replace(sandbox.desk.budgets, most_at_once=0))
    with Chucky(token, transport=chucky_wire, longest_wait_seconds=0) as client:
        error = caught(lambda: client.prompt("Hello"), chuckys.ConcurrencyLimitReached)
    assert isinstance(error, chuckys.ConcurrencyLimitReached)
    assert (error.active, error.max, error.sessions) == (0, 0, ())


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        (make_token("u", expires_at=datetime(2020, 1, 1, tzinfo=UTC)), chuckys.TokenExpired),
        (f"{make_token('u')}x", chuckys.TokenRefused),
    ],
    ids=["expired", "forged"],
)
def test_a_token_that_is_not_accepted_is_told(
    chucky_wire: HeldWire, token: str, kind: type[ApiError]
) -> None:
    with Chucky(token, transport=chucky_wire) as client:
        assert caught(lambda: client.prompt("Hello"), kind).permanent
        assert caught(client.usage, kind).permanent


def test_chuckys_failures_are_told(sandbox: Sandbox, token: str) -> None:
    sandbox.faults.add("500", matching="/usage", count=None)
    wire = HeldWire(CHUCKY, within(sandbox))
    with Chucky(token, transport=wire, timeout_seconds=0.5, longest_wait_seconds=0) as client:
        error = caught(client.usage, chuckys.ServerFailed)
    assert not error.permanent
