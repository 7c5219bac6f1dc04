"""200 events at once, each with a call, against an API that takes 60 a minute: all handled, none failed."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from typing import Protocol

import httpx2
import pytest
import structlog
from redis import Redis

from clients import ChaozCode
from clients.limiter import PLANS, Limiter, NoLimiter
from clients.local_limiter import LocalLimiter
from handlers import Context, Event, Router
from handlers.apis import Access
from handlers.attempt import attempt
from handlers.outcome import Outcome, Retried, Succeeded
from handlers.testing import make_event
from hooks_testkit.frozen_clock import FrozenClock
from hooks_testkit.path import EventPath
from workers.shared_limiter import SharedLimiter

EVENTS = 200
PER_MINUTE = 60
START = datetime(2026, 1, 30, 12, 0, 40, tzinfo=UTC)
"""Within a minute, so that those who count by the clock's minutes see two in the first."""


class Counting(Protocol):
    def seconds_until_allowed(self, now: float) -> float: ...


class FixedMinutes:
    """Counts the calls of each minute of the clock."""

    def __init__(self) -> None:
        self.minute, self.calls = 0.0, 0

    def seconds_until_allowed(self, now: float) -> float:
        if now // 60 != self.minute:
            self.minute, self.calls = now // 60, 0
        if self.calls >= PER_MINUTE:
            return 60 - now % 60
        self.calls += 1
        return 0


class AnyMinute:
    """Counts the calls of the last 60 seconds."""

    def __init__(self) -> None:
        self.made: deque[float] = deque()

    def seconds_until_allowed(self, now: float) -> float:
        while self.made and self.made[0] <= now - 60:
            self.made.popleft()
        if len(self.made) >= PER_MINUTE:
            return self.made[0] + 60 - now
        self.made.append(now)
        return 0


class Bucket:
    """Holds a burst's calls, and fills by one each second."""

    def __init__(self) -> None:
        self.level, self.filled_at = 100.0, START.timestamp()

    def seconds_until_allowed(self, now: float) -> float:
        self.level = min(100.0, self.level + (now - self.filled_at) * PER_MINUTE / 60)
        self.filled_at = now
        if self.level < 0.999:
            return 1 - self.level
        self.level -= 1
        return 0


class Api(httpx2.BaseTransport):
    """ChaozCode, as far as its limits go."""

    def __init__(self, counting: Counting) -> None:
        self.counting = counting
        self.now: Callable[[], datetime] = lambda: START
        self.stored: list[str] = []
        self.refused = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        now = self.now().timestamp()
        wait = self.counting.seconds_until_allowed(now)
        headers = {
            "X-RateLimit-Limit": str(PER_MINUTE),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(now) + 60),
            "X-RateLimit-RetryAfter": f"{wait or 30:.3f}",
        }
        if wait:
            self.refused += 1
            error = {"error": {"code": "RATE_LIMITED", "message": "Too many requests", "requestId": "req_1"}}
            return httpx2.Response(429, json=error, headers=headers)
        self.stored.append(request.url.path)
        return httpx2.Response(200, json={"id": "memory"}, headers=headers)


def clients(api: Api, limiters: Sequence[Limiter]) -> list[ChaozCode]:
    """Make the client of each worker; none waits within a call, as time stands still there."""
    return [
        ChaozCode("cc_live_key", limiter=each, longest_wait_seconds=0, transport=api) for each in limiters
    ]


def handled(api: Api, clock: FrozenClock, workers: Sequence[ChaozCode]) -> list[list[Outcome]]:
    """Have all events' attempts made when they are due, in turn by each worker, and give their outcomes."""
    router = Router()

    @router.on("memory.stored")
    def look_it_up(event: Event, ctx: Context) -> None:
        ctx.chaozcode.memory.get(event.subject or "")

    (handler,) = router.handlers
    api.now = clock.now
    events = [make_event("memory.stored", memoryId=f"m{number}") for number in range(EVENTS)]
    outcomes: list[list[Outcome]] = [[] for _ in events]
    due = [(clock.now(), number) for number in range(EVENTS)]
    for turn in range(10 * EVENTS):
        if not due:
            break
        moment, number = heappop(due)
        clock.move_to(moment)
        context = Context(
            log=structlog.get_logger(),
            handler=handler.name,
            event_id=events[number].id,
            attempt=len(outcomes[number]) + 1,
            replay=0,
            deadline=clock.now() + timedelta(minutes=1),
            open_chaozcode=partial(workers.__getitem__, turn % len(workers)),
        )
        outcome = attempt(handler, events[number], context, failures=0, random=lambda: 0.0, now=clock.now)
        outcomes[number].append(outcome)
        if isinstance(outcome, Retried):
            heappush(due, (clock.now() + outcome.delay, number))
    return outcomes


def all_succeeded_without_a_failure(outcomes: list[list[Outcome]]) -> bool:
    return all(
        isinstance(last, Succeeded)
        and all(isinstance(each, Retried) and not each.counted and each.error is None for each in before)
        for *before, last in outcomes
    )


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(START)


@pytest.mark.parametrize("counting", [FixedMinutes, AnyMinute, Bucket])
@pytest.mark.parametrize("plan", ["pro", "auto"])
def test_with_a_limiter_the_api_refuses_none_of_a_burst(
    plan: str, counting: Callable[[], Counting], clock: FrozenClock
) -> None:
    api = Api(counting())
    limiter = LocalLimiter(PLANS.get(plan), now=lambda: clock.now().timestamp())
    outcomes = handled(api, clock, clients(api, [limiter]))
    assert all_succeeded_without_a_failure(outcomes)
    assert sorted(api.stored) == sorted(f"/v2/memory/m{number}" for number in range(EVENTS))
    assert api.refused == 0
    assert clock.now() - START < timedelta(minutes=4)
    # Each comes back when there is a place, and not to see whether there is.
    assert max(map(len, outcomes)) <= 2


@pytest.mark.parametrize("plan", ["pro", "auto"])
def test_workers_that_share_a_limiter_are_refused_no_call_either(
    plan: str, redis_url: str, clock: FrozenClock
) -> None:
    api = Api(FixedMinutes())
    with Redis.from_url(redis_url) as redis:
        limiters = [
            SharedLimiter(redis, key="cc_live_key", plan=PLANS.get(plan), now=lambda: clock.now().timestamp())
            for _ in range(4)
        ]
        outcomes = handled(api, clock, clients(api, limiters))
    assert all_succeeded_without_a_failure(outcomes)
    assert api.refused == 0


@pytest.mark.parametrize("counting", [FixedMinutes, AnyMinute])
def test_without_a_limiter_those_who_are_refused_come_again_when_the_api_says_and_have_not_failed(
    counting: Callable[[], Counting], clock: FrozenClock
) -> None:
    api = Api(counting())
    outcomes = handled(api, clock, clients(api, [NoLimiter()]))
    assert all_succeeded_without_a_failure(outcomes)
    assert api.refused >= 100


@dataclass(frozen=True, kw_only=True)
class Reached:
    access: Access


@pytest.mark.parametrize("count", [70, pytest.param(EVENTS, marks=pytest.mark.long)])
def test_on_the_whole_path_all_are_done_without_a_failure_on_record(count: int) -> None:
    api = Api(FixedMinutes())
    router = Router()

    @router.on("memory.stored")
    def look_it_up(event: Event, ctx: Context) -> None:
        ctx.chaozcode.memory.get(event.subject or "")

    limiter = LocalLimiter(now=lambda: path.clock.now().timestamp())
    access = Access(
        key="cc_live_key",
        base_url="https://api.test/v2",
        limiter=limiter,
        transport=api,
        longest_wait_seconds=0,
    )
    path = EventPath(router, chaozcode=Reached(access=access), now=START)
    api.now = path.clock.now
    events = [make_event("memory.stored", memoryId=f"m{number}") for number in range(count)]
    for event in events:
        path.send(event)
    path.work()
    path.settle()
    delivered = [path.look(event) for event in events]
    assert {each.state for each in delivered} == {"done"}
    assert not [each for each in delivered if each.failures]
    assert api.refused == 0
