"""Lanes and limits with real processes: who is slow delays nobody else, and limits hold over all workers."""

import random
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.ordered_effects import (
    MODULE_NAME,
    OrderedEffects,
    at_work,
    delivery_states,
    most_at_once,
    most_within,
    seqs_of,
    standing,
)
from tests.faults.stage import Stage, stage
from tests.faults.stream import post
from tests.servers.waiting import wait_until
from workers.queue.redis_queue import EventQueue

SLOW_AND_QUICK = """
@router.on("agent.*", queue="slow", timeout=120)
def slow(event: Event, ctx: Context) -> None:
    wait_for_release(event, ctx)


@router.on("*")
def quick(event: Event, ctx: Context) -> None:
    behave(event, ctx)
"""
LIMITED = """
@router.on("agent.*", retries=1000, backoff=SOON, {limit})
def limited(event: Event, ctx: Context) -> None:
    behave(event, ctx)
"""


def test_a_slow_handler_with_a_queue_of_its_own_delays_no_other(
    tmp_path: Path, sqlite_url: str, redis_url: str
) -> None:
    with stage(tmp_path, database_url=sqlite_url, redis_url=redis_url, HOOKS_HANDLERS=MODULE_NAME) as it:
        effects = OrderedEffects(tmp_path, SLOW_AND_QUICK)
        it.start()
        slow = _send(it, "agent.failed", 3, name="slow")
        quick = _send(it, "memory.stored", 10, name="quick")

        # Nobody works for it yet: what is for it stays queued, and the rest is done.
        wait_until(lambda: it.states() == {"done": len(quick), "waiting": len(slow)}, 60)
        assert delivery_states(it.log, "quick") == dict.fromkeys([*slow, *quick], "done")
        assert delivery_states(it.log, "slow") == dict.fromkeys(slow, "queued")
        assert effects.marks(handler="slow") == []
        with closing(EventQueue.connect(redis_url)) as queue:
            assert queue.oldest_wait("slow"), "no job stands in the lane"

        # While it runs, events are done whose handlers are quick.
        it.add("worker", "--queue", "slow")
        wait_until(lambda: effects.marks("began", handler="slow"), 60)
        meanwhile = _send(it, "memory.stored", 10, name="meanwhile")
        slow += _send(it, "agent.failed", 1, name="late")
        wait_until(lambda: it.states() == {"done": len(quick + meanwhile), "waiting": len(slow)}, 60)
        assert delivery_states(it.log, "quick")[slow[-1]] == "done"
        assert effects.marks("ended", handler="slow") == []

        effects.release()
        it.wait_until_settled([*slow, *quick, *meanwhile])
        assert it.states() == {"done": 24}
        assert len(effects.marks("began", handler="slow")) == len(slow), "each ran once"
        assert {mark.pid for mark in effects.marks(handler="slow")}.isdisjoint(
            mark.pid for mark in effects.marks(handler="quick")
        )
        assert standing(it.log) == []


@pytest.mark.timeout(300)
@pytest.mark.long_on_both(otherwise="postgresql")
def test_no_more_run_at_one_time_than_may_over_all_workers(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    with stage(tmp_path, database_url=database_url, redis_url=redis_url, HOOKS_HANDLERS=MODULE_NAME) as it:
        effects = OrderedEffects(tmp_path, LIMITED.format(limit="concurrency=2"))
        it.before_kill = effects.note_kill
        it.start(workers=4)
        ids = _send(it, "agent.failed", 12, seconds=0.2)
        # One is killed in the middle of it: the others go on as before.
        wait_until(lambda: len(effects.marks("ended")) >= 4, 60)
        assert it.kill_pid(wait_until(lambda: at_work(effects.marks()), 60).pop())
        it.wait_until_settled(ids)
        assert it.states() == {"done": len(ids)}
        assert standing(it.log) == []
        marks = effects.marks(handler="limited")
        assert {mark.event for mark in marks if mark.event} == set(ids)
        assert most_at_once(marks) == 2


@pytest.mark.alone
@pytest.mark.timeout(300)
@pytest.mark.long_on_both(otherwise="postgresql")
def test_no_more_begin_in_a_period_than_may_over_all_workers(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    with stage(tmp_path, database_url=database_url, redis_url=redis_url, HOOKS_HANDLERS=MODULE_NAME) as it:
        effects = OrderedEffects(tmp_path, LIMITED.format(limit='rate="10/2s"'))
        it.start(workers=3)
        ids = _send(it, "agent.failed", 30)
        it.wait_until_settled(ids)
        assert it.states() == {"done": len(ids)}
        marks = effects.marks("began", handler="limited")
        assert len(marks) == len(ids), "each ran once"
        took = max(mark.at for mark in marks) - min(mark.at for mark in marks)
        print(f"{len(marks)} starts in {took:.1f} s")
        # Between its claim and its first line a handler may be kept waiting for half a second.
        assert most_within(marks, 1.5) <= 10
        assert took < 3 * len(ids) / 5


@pytest.mark.timeout(900)
@pytest.mark.long
@pytest.mark.parametrize(
    "limit", ["concurrency=2", 'rate="8/s"', 'concurrency=2, order="strict", queue="lane"']
)
def test_nothing_that_is_limited_is_lost_when_workers_are_killed(
    tmp_path: Path, database_url: str, redis_url: str, limit: str
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with stage(tmp_path, database_url=database_url, redis_url=redis_url, HOOKS_HANDLERS=MODULE_NAME) as it:
        effects = OrderedEffects(tmp_path, LIMITED.format(limit=limit))
        it.before_kill = effects.note_kill
        it.start(workers=3, lanes=("lane", "lane"))
        ids = _send(it, "agent.failed", 80, seconds=0.05)
        for _ in range(12):
            member = chance.choice(it.of("worker"))
            if chance.random() < 0.3:
                it.kill(member, with_children=chance.random() < 0.7)
            else:
                it.kill_child(member)
            it.keep_alive()
            further = len(effects.marks("began")) + chance.choice((0, 1, 4))
            wait_until(lambda: len(effects.marks("began")) >= further or _is_over(it), 60)  # noqa: B023
        it.wait_until_settled(ids, 120)
        assert it.states() == {"done": len(ids)}
        assert standing(it.log) == []
        if "concurrency" in limit:
            assert most_at_once(effects.marks(handler="limited")) <= 2


def _is_over(it: Stage) -> bool:
    return set(it.states()) == {"done"}


def _send(it: Stage, event_type: str, number: int, *, seconds: float = 0, name: str = "evt") -> list[str]:
    (port, *_) = it.ports
    ids = [f"{name}_{place}" for place in range(number)]
    for place, event_id in enumerate(ids):
        data = {"seconds": seconds, "agentId": f"a{place % 4}"}
        assert post(port, {"id": event_id, "type": event_type, "data": data}) == 202
    assert set(ids) <= set(seqs_of(it.log))
    return ids
