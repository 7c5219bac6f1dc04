"""How a worker's handlers reach the APIs."""

import pytest

from clients.settings import ApiSettings
from workers.api_access import apis_of
from workers.shared_limiter import SharedLimiter

NOWHERE = "redis://127.0.0.1:1"


@pytest.mark.parametrize(("plan", "told"), [("pro", "pro"), ("auto", "auto")])
def test_calls_with_a_key_share_the_plans_limit(
    monkeypatch: pytest.MonkeyPatch, plan: str, told: str
) -> None:
    monkeypatch.setenv("CHAOZCODE_API_KEY", "cc_dev_x")
    monkeypatch.setenv("CHUCKY_TOKEN", "a.b.c")
    monkeypatch.setenv("HOOKS_CHAOZCODE_PLAN", plan)
    apis = apis_of(ApiSettings(_env_file=None), redis_url=NOWHERE)
    assert apis.chaozcode is not None
    assert isinstance(apis.chaozcode.limiter, SharedLimiter)
    assert told in repr(apis.chaozcode.limiter)
    assert apis.chucky is not None
    assert (apis.chucky.key, apis.chucky.limiter) == ("a.b.c", None)


@pytest.mark.parametrize(("key", "plan"), [(None, "pro"), ("cc_dev_x", "none")])
def test_without_a_key_or_a_plan_there_is_no_limit(
    monkeypatch: pytest.MonkeyPatch, key: str | None, plan: str
) -> None:
    monkeypatch.setenv("CHAOZCODE_API_KEY", key or "")
    monkeypatch.setenv("HOOKS_CHAOZCODE_PLAN", plan)
    apis = apis_of(ApiSettings(_env_file=None), redis_url=NOWHERE)
    assert apis.chaozcode is not None
    assert (apis.chaozcode.key, apis.chaozcode.limiter) == (key, None)
