"""What every limiter promises: the one in the process, and the one that workers share in Redis."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from redis import Redis

from clients.limiter import PLANS, Limiter, NoLimiter, Plan
from clients.local_limiter import LocalLimiter
from clients.rate_limit import RateLimit
from workers.shared_limiter import SharedLimiter

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC).timestamp()
NOTHING_NAMED = RateLimit()


class Clock:
    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["local", "shared"])
def make(request: pytest.FixtureRequest, clock: Clock) -> Callable[[Plan | None], Limiter]:
    if request.param == "local":
        return lambda plan: LocalLimiter(plan, now=clock)
    redis = Redis.from_url(request.getfixturevalue("redis_url"))
    return lambda plan: SharedLimiter(redis, key="cc_live_key", plan=plan, now=clock)


def plan(per_minute: int, *, burst: int = 1000, per_day: int | None = None) -> Plan:
    return Plan(name="made up", per_minute=per_minute, burst=burst, per_day=per_day)


def taken_at_once(limiter: Limiter, tries: int) -> int:
    return sum(limiter.take() == 0 for _ in range(tries))


def test_a_minutes_calls_pass_at_once_and_the_next_is_told_when_there_is_a_place(
    make: Callable[[Plan | None], Limiter], clock: Clock
) -> None:
    limiter = make(PLANS["pro"])
    assert taken_at_once(limiter, 60) == 60
    wait = limiter.take()
    assert 60 <= wait <= 62
    clock.time += wait
    assert limiter.take() == 0


def test_each_who_is_refused_is_promised_a_place_of_his_own_that_is_there_when_he_comes(
    make: Callable[[Plan | None], Limiter], clock: Clock
) -> None:
    limiter = make(PLANS["pro"])
    waits = [limiter.take() for _ in range(200)]
    refused = [NOON + wait for wait in waits if wait > 0]
    assert len(refused) == 140
    assert all(later - sooner > 0.99 for sooner, later in pairwise(refused))
    for place in refused:
        clock.time = place
        assert limiter.take() == 0
    assert clock.time - NOON < 4 * 61


def test_in_no_minute_there_are_more_calls_than_the_plan_has_whenever_they_come(
    make: Callable[[Plan | None], Limiter], clock: Clock
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    limiter = make(plan(20, burst=chance.choice([5, 7, 20, 40])))
    made: list[float] = []
    for _ in range(400):
        clock.time += chance.choice([0, 0, 0.1, 1, 3, 20])
        if limiter.take() == 0:
            made.append(clock.time)
    assert len(made) > 20
    assert all(later - sooner > 60 for sooner, later in zip(made, made[20:], strict=False))


def test_a_plans_rate_is_used_up_by_those_who_come_when_they_were_told(
    make: Callable[[Plan | None], Limiter], clock: Clock
) -> None:
    limiter = make(plan(30))
    due = [NOON] * 120
    made = 0
    for _ in range(1000):
        if not due:
            break
        clock.time = due.pop(0)
        wait = limiter.take()
        if wait == 0:
            made += 1
        else:
            due = sorted([*due, clock.time + wait])
    assert made == 120
    assert clock.time - NOON < 4 * 62


def test_a_place_that_was_promised_and_not_taken_serves_another(
    make: Callable[[Plan | None], Limiter], clock: Clock
) -> None:
    limiter = make(plan(2))
    assert [limiter.take() == 0 for _ in range(5)] == [True, True, False, False, False]
    clock.time += 200
    assert taken_at_once(limiter, 3) == 2


def test_a_burst_smaller_than_a_minutes_calls_bounds_what_passes_at_once(
    make: Callable[[Plan | None], Limiter], clock: Clock
) -> None:
    limiter = make(plan(60, burst=10))
    assert taken_at_once(limiter, 20) == 10
    clock.time += 31
    assert taken_at_once(limiter, 20) == 10


def test_a_days_calls_end_until_midnight_utc(make: Callable[[Plan | None], Limiter], clock: Clock) -> None:
    limiter = make(plan(100, per_day=5))
    waits = [limiter.take() for _ in range(12)]
    assert waits[:5] == [0] * 5
    midnight = 12 * 3600
    assert all(midnight <= wait < midnight + 10 for wait in waits[5:10])
    assert waits[10] == midnight + 24 * 3600  # as those before have taken the next day's
    clock.time += waits[9]
    assert limiter.take() == 0


def test_after_a_refusal_all_hold_back_until_the_time_it_named_and_come_back_one_by_one(
    make: Callable[[Plan | None], Limiter], clock: Clock
) -> None:
    limiter = make(PLANS["pro"])
    assert limiter.take() == 0
    limiter.heed(NOTHING_NAMED, refused_for=30)
    limiter.heed(NOTHING_NAMED, refused_for=10)  # of a call made before
    assert [limiter.take() for _ in range(3)] == pytest.approx([30, 31, 32], abs=0.1)
    clock.time += 30
    assert limiter.take() == 0


def test_a_reply_that_is_no_refusal_holds_nobody_back(
    make: Callable[[Plan | None], Limiter], clock: Clock
) -> None:
    limiter = make(PLANS["pro"])
    reset = datetime.fromtimestamp(NOON, UTC) + timedelta(seconds=60)
    limiter.heed(RateLimit(limit=60, remaining=0, reset=reset, retry_after=30), refused_for=None)
    assert limiter.take() == 0


def test_without_a_plan_all_pass_until_a_reply_names_the_limit_and_count_from_then_on(
    make: Callable[[Plan | None], Limiter], clock: Clock
) -> None:
    limiter = make(None)
    assert taken_at_once(limiter, 50) == 50
    limiter.heed(RateLimit(limit=60), refused_for=None)
    assert taken_at_once(limiter, 50) == 10
    limiter.heed(RateLimit(limit=70), refused_for=None)
    assert taken_at_once(limiter, 50) == 10


def test_without_a_plan_those_who_are_refused_come_back_one_by_one(
    make: Callable[[Plan | None], Limiter], clock: Clock
) -> None:
    limiter = make(None)
    limiter.heed(NOTHING_NAMED, refused_for=5)
    assert [limiter.take() for _ in range(3)] == pytest.approx([5, 6, 7], abs=0.01)


@pytest.mark.parametrize(("named", "passed"), [(10, 10), (60, 60), (600, 60), (0, 60), (None, 60)])
def test_of_the_plan_and_what_a_reply_names_the_lower_counts(
    make: Callable[[Plan | None], Limiter], named: int | None, passed: int
) -> None:
    limiter = make(PLANS["pro"])
    limiter.heed(RateLimit(limit=named), refused_for=None)
    assert taken_at_once(limiter, 100) == passed


def test_a_limit_that_starts_anew_in_hours_is_not_taken_for_a_minutes(
    make: Callable[[Plan | None], Limiter], clock: Clock
) -> None:
    limiter = make(None)
    reset = datetime.fromtimestamp(NOON, UTC) + timedelta(hours=12)
    limiter.heed(RateLimit(limit=3, reset=reset), refused_for=None)
    assert taken_at_once(limiter, 10) == 10


def test_a_clock_that_is_set_back_stops_nobody(make: Callable[[Plan | None], Limiter], clock: Clock) -> None:
    limiter = make(plan(2))
    assert taken_at_once(limiter, 2) == 2
    clock.time -= 3600
    assert taken_at_once(limiter, 3) == 2


def test_without_a_limiter_all_pass() -> None:
    limiter = NoLimiter()
    limiter.heed(NOTHING_NAMED, refused_for=100)
    assert limiter.take() == 0
