from datetime import UTC, datetime

import pytest

from sandbox.state.account import Account
from tests.sandbox.imitation import Imitation


@pytest.mark.parametrize(("limit", "reached_at"), [(10, {8: 0.8, 10: 1.0}), (3, {3: 1.0}), (1, {1: 1.0})])
def test_a_threshold_is_reached_once(limit: int, reached_at: dict[int, float]) -> None:
    account = Imitation(usage_limit=limit).world.account
    reached = {call: share for call in range(1, 30) if (share := account.count("GET /models"))}
    assert reached == reached_at


def test_the_count_starts_anew_with_the_month() -> None:
    api = Imitation(usage_limit=1)
    account: Account = api.world.account
    assert account.count("GET /models") == 1.0
    api.clock.at = datetime(2026, 2, 1, tzinfo=UTC)
    assert account.usage().api_calls == 0
    assert account.usage().reset_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert account.count("GET /models") == 1.0


def test_a_year_ends_as_months_do() -> None:
    api = Imitation()
    api.clock.at = datetime(2026, 12, 31, tzinfo=UTC)
    assert api.world.account.usage().reset_at == datetime(2027, 1, 1, tzinfo=UTC)


def test_a_plan_without_a_limit_has_no_threshold() -> None:
    account = Imitation(plan="enterprise").world.account
    assert account.usage().limit is None
    assert {account.count("GET /models") for _ in range(100)} == {None}
