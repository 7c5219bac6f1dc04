"""Order with real processes: a subject's events run one by one, in the order of the log, whoever is dies."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eventlog.replays import create
from eventlog.selection import Selection
from eventlog.states import UNFINISHED
from tests.faults.ordered_effects import (
    MODULE_NAME,
    OrderedEffects,
    assert_one_by_one,
    at_work,
    delivery_states,
    ledger,
    seqs_of,
    standing,
)
from tests.faults.senders import sending
from tests.faults.stage import Stage, stage
from tests.faults.stream import many_at_once, post
from tests.servers.waiting import wait_until

IN_ORDER = """
@router.on("agent.*", order="strict", queue={queue!r}, on_dead={on_dead!r}, retries=1000, backoff=SOON)
def in_order(event: Event, ctx: Context) -> None:
    behave(event, ctx)
"""
BESIDE = """
@router.on("*", retries=1000, backoff=SOON)
def beside(event: Event, ctx: Context) -> None:
    behave(event, ctx)


@router.on("*", queue="slow", retries=1000, backoff=SOON)
def to_ledger(event: Event, ctx: Context) -> None:
    write_ledger(event, ctx)
"""
SUBJECTS = ("a1", "a2", "a3", None)


def in_order(*, queue: str | None = None, on_dead: str = "continue") -> str:
    return IN_ORDER.format(queue=queue, on_dead=on_dead)


@pytest.fixture
def seed() -> int:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    return seed


@pytest.fixture
def kills(pytestconfig: pytest.Config) -> int:
    return 30 if pytestconfig.getoption("--full") else 8


def some(number: int, chance: random.Random) -> list[dict[str, Any]]:
    """Give events of a few subjects; the handlers of some fail at first."""
    return [
        {
            "id": f"evt_{place}",
            "type": chance.choice(("agent.started", "agent.failed")),
            "data": {
                "agentId": chance.choice(SUBJECTS),
                "seconds": chance.choice((0, 0, 0.05, 0.4)),
                "fails": chance.choice((0, 0, 0, 0, 1, 2)),
            },
        }
        for place in range(number)
    ]


@pytest.mark.timeout(900)
@pytest.mark.long_on_both(otherwise="postgresql")
def test_a_subject_s_events_run_one_by_one_in_order_while_workers_are_killed(
    tmp_path: Path, database_url: str, redis_url: str, seed: int, kills: int
) -> None:
    with stage(tmp_path, database_url=database_url, redis_url=redis_url, HOOKS_HANDLERS=MODULE_NAME) as it:
        effects = OrderedEffects(tmp_path, in_order())
        it.before_kill = effects.note_kill
        it.start(receivers=2, workers=3)
        ids = _send_and_kill(it, effects, random.Random(seed), kills)
        seqs = seqs_of(it.log)
        assert it.states() == {"done": len(ids)}
        assert standing(it.log) == []
        marks = effects.marks(handler="in_order")
        assert {mark.event for mark in marks if mark.event} == set(ids)
        assert_one_by_one(marks, seqs)


@pytest.mark.timeout(900)
@pytest.mark.long
def test_nothing_that_runs_alone_is_lost_or_done_twice_when_workers_are_killed_between_the_hops(
    tmp_path: Path, database_url: str, redis_url: str, seed: int, kills: int
) -> None:
    with stage(tmp_path, database_url=database_url, redis_url=redis_url, HOOKS_HANDLERS=MODULE_NAME) as it:
        effects = OrderedEffects(tmp_path, in_order(queue="lane") + BESIDE)
        it.before_kill = effects.note_kill
        it.start(receivers=1, workers=1, lanes=("lane", "slow"))
        ids = _send_and_kill(it, effects, random.Random(seed), kills, whole=False)
        assert it.states() == {"done": len(ids)}
        assert standing(it.log) == []
        for handler in ("in_order", "beside", "to_ledger"):
            assert delivery_states(it.log, handler) == dict.fromkeys(ids, "done")
        assert ledger(it.log) == dict.fromkeys(ids, 1)
        assert_one_by_one(effects.marks(handler="in_order"), seqs_of(it.log))


def _send_and_kill(
    it: Stage, effects: OrderedEffects, chance: random.Random, kills: int, *, whole: bool = True
) -> list[str]:
    """Have events run while workers' children, and whole workers, are killed; gives the events' ids."""
    events = some(6 * kills, chance)
    ids = [str(event["id"]) for event in events]

    def run() -> int:
        return len({mark.event for mark in effects.marks("ended", handler="in_order") if mark.event})

    killed = 0
    with sending(it.ports, events, chance, run):
        while (killed < kills or not _cut_off(effects)) and run() < len(ids):
            if chance.random() < 0.6:
                busy = wait_until(lambda: at_work(effects.marks()) or run() == len(ids), 60)
                killed += it.kill_pid(busy.pop()) if isinstance(busy, set) else 0
            elif whole and chance.random() < 0.6:
                it.kill(chance.choice(it.of("worker")), with_children=chance.random() < 0.7)
                killed += 1
            else:
                killed += it.kill_child(chance.choice(it.of("worker")))
            it.keep_alive()
            # Mostly in the middle of the work, now and then while another one begins again.
            further = len(effects.marks("began")) + chance.choice((0, 1, 3, 7))
            wait_until(lambda: len(effects.marks("began")) >= further or run() == len(ids), 60)  # noqa: B023
    it.wait_until_settled(ids, 120)
    failed = len(effects.marks("failed"))
    print(f"{killed} kills, {len(ids)} events, {failed} failures, {_cut_off(effects)} were cut off")
    assert failed
    assert _cut_off(effects), "no kill met a handler at work: the test shows nothing"
    return ids


def _cut_off(effects: OrderedEffects) -> int:
    """Count the attempts that a kill met at work."""
    return sum((mark.what == "began") - (mark.what in ("ended", "failed")) for mark in effects.marks())


@pytest.mark.long
def test_behind_a_dead_one_that_holds_its_subject_is_parked_until_it_is_resolved(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    with stage(tmp_path, database_url=database_url, redis_url=redis_url, HOOKS_HANDLERS=MODULE_NAME) as it:
        effects = OrderedEffects(tmp_path, in_order(on_dead="hold"))
        it.start(workers=2)
        (port,) = it.ports
        ids = {subject: [f"evt_{subject}_{number}" for number in range(4)] for subject in ("a1", "a2")}
        for number in range(4):
            for subject in ids:
                data = {"agentId": subject, "dies": (subject, number) == ("a1", 1)}
                event = {"id": ids[subject][number], "type": "agent.started", "data": data}
                assert post(port, event) == 202
        wait_until(lambda: all(it.settled(each) for each in [*ids["a2"], *ids["a1"][:2]]), 30)
        first, dead, *behind = ids["a1"]
        assert it.states() == {"done": 5, "dead": 1, "waiting": 2}
        for event_id in behind:
            shown = json.loads(_hooks(it, "events", "show", event_id, "--json"))
            assert shown["state"] == "waiting"
            assert [each["state"] for each in shown["deliveries"]] == ["parked"]
        assert {mark.event for mark in effects.marks("began")} == {first, dead, *ids["a2"]}

        _hooks(it, "events", "resolve", dead, "--why", "by hand")
        wait_until(lambda: all(it.settled(each) for each in behind), 30)
        assert it.states() == {"done": 7, "resolved": 1}
        assert standing(it.log) == []


def _hooks(it: Stage, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "console", *arguments],
        cwd=it.folder,
        env=it.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "number", [pytest.param(20, id="20"), pytest.param(100, id="100", marks=pytest.mark.long)]
)
@pytest.mark.long_on_both(otherwise="postgresql")
def test_a_replay_of_an_ordered_handler_in_a_lane_runs_in_order(
    tmp_path: Path, database_url: str, redis_url: str, number: int
) -> None:
    with stage(tmp_path, database_url=database_url, redis_url=redis_url, HOOKS_HANDLERS=MODULE_NAME) as it:
        effects = OrderedEffects(tmp_path, in_order(queue="lane"))
        it.start(workers=2, lanes=("lane", "lane"))
        (port,) = it.ports
        events = [
            {
                "id": f"evt_{place}",
                "type": "agent.started",
                "data": {"agentId": SUBJECTS[place % 3], "fails": int(place % 7 == 0)},
            }
            for place in range(number)
        ]
        with many_at_once(
            [lambda mine=events[start::4]: [post(port, each) for each in mine] for start in range(4)]  # type: ignore[misc]
        ) as answers:
            pass
        assert {status for each in answers for status in each} == {202}
        it.wait_until_settled([each["id"] for each in events], 120)  # type: ignore[misc]
        seqs = seqs_of(it.log)
        assert_one_by_one(effects.marks(handler="in_order"), seqs)

        replay = create(it.log, selection=Selection(), handlers={"in_order": ["agent.*"]}, who="a test")

        def replayed() -> bool:
            states = delivery_states(it.log, "in_order", replay=replay)
            return len(states) == number and not {*UNFINISHED, "parked", "throttled"} & set(states.values())

        wait_until(replayed, 120, every_seconds=0.1)
        assert delivery_states(it.log, "in_order", replay=replay) == dict.fromkeys(seqs, "done")
        marks = effects.marks(handler="in_order", replay=replay)
        assert len({mark.event for mark in marks}) == number
        assert_one_by_one(marks, seqs)
        assert standing(it.log) == []
