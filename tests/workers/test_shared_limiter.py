from collections.abc import Iterator
from time import monotonic, sleep

import pytest
from redis import Redis
from structlog.testing import capture_logs

from clients.limiter import Plan
from clients.rate_limit import RateLimit
from tests.servers.valkey import Valkey
from workers.shared_limiter import SharedLimiter

ONE = Plan(name="one", per_minute=1, per_day=None, burst=1)
KEY = "cc_live_do_not_tell"


@pytest.fixture
def limiters(redis_url: str) -> Iterator[tuple[SharedLimiter, SharedLimiter]]:
    made = tuple(SharedLimiter.connect(redis_url, key=KEY, plan=ONE) for _ in range(2))
    yield made[0], made[1]
    for each in made:
        each.close()


def test_a_place_is_there_after_the_time_that_was_named(redis_url: str) -> None:
    plan = Plan(name="quick", per_minute=600, per_day=None, burst=1)
    limiter = SharedLimiter.connect(redis_url, key=KEY, plan=plan)
    assert limiter.take() == 0
    wait = limiter.take()
    assert 0 < wait <= 0.2
    sleep(wait)
    assert limiter.take() == 0
    limiter.close()


def test_two_workers_with_one_key_share_its_places(
    limiters: tuple[SharedLimiter, SharedLimiter],
) -> None:
    one, other = limiters
    assert one.take() == 0
    assert 55 < other.take() <= 61
    assert 115 < one.take() <= 122


def test_what_one_worker_is_told_all_heed(limiters: tuple[SharedLimiter, SharedLimiter]) -> None:
    one, other = limiters
    one.heed(RateLimit(limit=5), refused_for=3)
    assert 2 < other.take() <= 3


def test_workers_with_different_keys_share_nothing(
    redis_url: str, limiters: tuple[SharedLimiter, SharedLimiter]
) -> None:
    stranger = SharedLimiter.connect(redis_url, key="cc_live_another", plan=ONE)
    assert [each.take() for each in (limiters[0], stranger)] == [0, 0]
    stranger.close()


def test_redis_is_not_told_the_key_and_forgets_all_in_the_end(
    redis_url: str, limiters: tuple[SharedLimiter, SharedLimiter]
) -> None:
    for _ in range(3):
        limiters[0].take()
    limiters[0].heed(RateLimit(limit=5), refused_for=1)
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        keys = redis.keys("*")
        assert len(keys) == 5
        assert not [key for key in keys if "cc_live" in key]
        assert all(redis.ttl(key) > 0 for key in keys)
    assert KEY not in repr(limiters[0])


def test_a_redis_that_is_down_lets_calls_go_ahead_and_is_told_of_once(
    valkey: Valkey, redis_url: str, limiters: tuple[SharedLimiter, SharedLimiter]
) -> None:
    limiter, _ = limiters
    valkey.stop()
    with capture_logs() as logs:
        for _ in range(5):
            assert limiter.take() == 0
            limiter.heed(RateLimit(limit=5), refused_for=60)
            limiter._asked_again_at = monotonic()  # as after some seconds
    assert [line["event"] for line in logs] == ["limiter_unavailable"]
    valkey.start()
    with capture_logs() as logs:
        assert limiter.take() == 0
        assert limiter.take() > 0
    assert [(line["event"], line.get("after")) for line in logs] == [("recovered", "limiter_unavailable")]


def test_a_redis_that_hangs_holds_up_one_call_for_a_moment_and_no_other(
    valkey: Valkey, redis_url: str, limiters: tuple[SharedLimiter, SharedLimiter]
) -> None:
    limiter, _ = limiters
    valkey.pause()
    began = monotonic()
    assert [limiter.take() for _ in range(100)] == [0] * 100
    assert monotonic() - began < 10  # a hundred times a quarter of a second would be longer
    valkey.resume()
