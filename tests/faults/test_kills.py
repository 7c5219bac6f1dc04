"""SIGKILL of everything, at random moments, under a steady stream: only what was in flight runs twice."""

import random
from pathlib import Path

import pytest

from tests.faults.stage import Stage, stage
from tests.faults.stream import Stream
from tests.servers.postgres import PostgreSQL
from tests.servers.valkey import Valkey
from tests.servers.waiting import wait_until


@pytest.fixture
def seed() -> int:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    return seed


@pytest.fixture
def kills(pytestconfig: pytest.Config) -> int:
    """Return how many kills a test is to make: few with `make test`, many with `make faults`."""
    return 110 if pytestconfig.getoption("--full") else 12


@pytest.mark.timeout(900)
@pytest.mark.long
def test_kills_on_sqlite(tmp_path: Path, sqlite_url: str, seed: int, kills: int) -> None:
    with (
        Valkey(append_only=True) as valkey,
        stage(tmp_path, database_url=sqlite_url, redis_url=valkey.url) as it,
    ):
        _kill_at_random(it, valkey, None, seed=seed, kills=kills)
        assert it.repeats(), "no kill met a handler at work: the test shows nothing"


@pytest.mark.timeout(900)
def test_kills_on_postgresql(tmp_path: Path, seed: int, kills: int) -> None:
    with (
        PostgreSQL(in_memory=True) as postgres,
        Valkey(append_only=True) as valkey,
        stage(tmp_path, database_url=postgres.fresh_database(), redis_url=valkey.url) as it,
    ):
        _kill_at_random(it, valkey, postgres, seed=seed, kills=kills)


def _kill_at_random(it: Stage, valkey: Valkey, postgres: PostgreSQL | None, *, seed: int, kills: int) -> None:
    chance = random.Random(seed)
    it.start(receivers=2, workers=2)

    def kill_valkey() -> int:
        valkey.kill()
        valkey.start()
        return 1

    def kill_postgres() -> int:
        assert postgres is not None
        postgres.kill()
        postgres.start()
        return 1

    def kill_member() -> int:
        it.kill(chance.choice(it.members), with_children=chance.random() < 0.7)
        return 1

    def kill_worker_child() -> int:
        return it.kill_child(chance.choice(it.of("worker")))

    def kill_everything() -> int:
        valkey.kill()
        if postgres:
            postgres.kill()
        it.kill_all()
        valkey.start()
        if postgres:
            postgres.start()
        return len(it.members) + 1 + bool(postgres)

    acts = (
        [kill_valkey] * 5 + [kill_member] + [kill_worker_child] * 3 + [kill_postgres] * (3 * bool(postgres))
    )
    killed = 0
    with Stream(it.ports, seed=seed, rate=15) as stream:
        while killed < kills:
            seen = len(stream.acknowledged)
            killed += kill_everything() if chance.random() < 0.06 else chance.choice(acts)()
            it.keep_alive()
            # The next one comes in the middle of the recovery, or once handlers are at work again.
            if chance.random() < 0.5:
                calls = len(it.effects.marks())
                wait_until(lambda seen=seen: len(stream.acknowledged) > seen, 60)  # type: ignore[misc]
                wait_until(lambda calls=calls: len(it.effects.marks()) > calls + 3, 60)  # type: ignore[misc]
    it.wait_until_settled(stream.acknowledged, 90)
    print(
        f"{killed} kills, {len(stream.acknowledged)} acknowledged, {it.repeats()} calls repeated,"
        f" {stream.statuses}"
    )
    it.assert_promise_kept(stream.acknowledged)
    it.assert_no_traceback()
