import random
from datetime import UTC, datetime, timedelta

from sandbox.plans import PLANS, next_higher
from sandbox.rate_limits import RateLimit
from tests.sandbox.imitation import Clock


def test_the_plans_are_the_documented_ones() -> None:
    assert [(plan.name, plan.per_minute, plan.per_day, plan.burst) for plan in PLANS.values()][:3] == [
        ("free", 10, 100, 20),
        ("pro", 60, 10_000, 100),
        ("team", 300, 100_000, 500),
    ]
    assert PLANS["enterprise"].per_minute >= 1_000
    assert PLANS["enterprise"].per_day is None


def test_the_next_higher_plan_of_the_highest_is_itself() -> None:
    assert [next_higher(name) for name in PLANS] == ["pro", "team", "enterprise", "enterprise"]


def taken(limit: RateLimit, *, at_most: int = 10_000) -> int:
    return next(count for count in range(at_most) if not limit.take().is_allowed)


def test_the_burst_is_allowed_at_once_then_so_many_a_minute() -> None:
    clock = Clock()
    limit = RateLimit(PLANS["pro"], now=clock.now)
    assert taken(limit) == 100
    clock.pass_by(60)
    assert taken(limit) == 60
    clock.pass_by(3600)
    assert taken(limit) == 100


def test_the_day_has_a_limit_that_ends_at_midnight_utc() -> None:
    clock = Clock()
    limit = RateLimit(PLANS["free"], now=clock.now)
    allowed = 0
    for _ in range(30):
        allowed += taken(limit)
        clock.pass_by(60)
    assert allowed == 100
    clock.at = datetime(2026, 1, 30, 23, 59, 30, tzinfo=UTC)
    refused = limit.take()
    assert (refused.is_allowed, refused.remaining, refused.retry_after) == (False, 0, 30)
    assert refused.reset == int(datetime(2026, 1, 31, tzinfo=UTC).timestamp())
    clock.pass_by(30)
    assert limit.take().is_allowed


def test_after_the_named_wait_one_more_is_allowed() -> None:
    seed = random.randrange(1_000_000)
    print("seed", seed)
    chance = random.Random(seed)
    for plan in PLANS.values():
        clock = Clock()
        limit = RateLimit(plan, now=clock.now)
        for _ in range(200):
            clock.pass_by(chance.random() * chance.choice([0.01, 1, 20]))
            for _ in range(chance.randrange(1, 2 * plan.burst)):
                standing = limit.take()
                if not standing.is_allowed:
                    assert standing.retry_after >= 1
                    clock.pass_by(standing.retry_after)
                    assert limit.take().is_allowed
                    break


def test_waiting_in_small_steps_is_as_waiting_at_once() -> None:
    clock = Clock()
    limit = RateLimit(PLANS["free"], now=clock.now)
    taken(limit)
    for _ in range(6):
        clock.pass_by(1)
        limit.look()
    assert limit.take().is_allowed


def test_a_full_bucket_is_reached_at_the_reset() -> None:
    clock = Clock()
    limit = RateLimit(PLANS["pro"], now=clock.now)
    for _ in range(70):
        standing = limit.take()
    assert (standing.remaining, standing.retry_after) == (30, 70)
    clock.at = datetime.fromtimestamp(standing.reset, UTC)
    assert taken(limit) == 100


def test_looking_counts_nothing() -> None:
    clock = Clock()
    limit = RateLimit(PLANS["free"], now=clock.now)
    for _ in range(50):
        assert limit.look().remaining == 10
    assert taken(limit) == 20


def test_a_clock_that_is_set_back_gives_nothing() -> None:
    clock = Clock()
    limit = RateLimit(PLANS["free"], now=clock.now)
    taken(limit)
    clock.at -= timedelta(hours=1)
    assert not limit.take().is_allowed
    clock.pass_by(6)
    assert limit.take().is_allowed
