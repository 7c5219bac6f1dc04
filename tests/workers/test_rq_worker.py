"""RQ's worker, fitted to ours."""

from collections.abc import Iterator

import pytest
from redis import Redis
from rq.worker.base import WorkerStatus

from tests.servers.valkey import Valkey
from workers.jobs import CURRENT_RUNNER
from workers.queue.redis_queue import EventQueue
from workers.queue.registries import QueueRegistries, Registry
from workers.rq_worker import EventWorker


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as made:
        yield made


class SeeingRunner:
    """Looks at what RQ holds while a job runs."""

    def __init__(self, url: str, *, fails: bool = False) -> None:
        self._registries = QueueRegistries.connect(url)
        self._redis = Redis.from_url(url)
        self._fails = fails
        self.started: list[int] = []
        self.left: list[int] = []

    def run(self, _ids: list[str], _replay: int, _queue: str | None) -> None:
        self.started.append(int(self._redis.zcard("rq:wip:hooks")))
        self.left.append(len(self._registries.read().entries))
        if self._fails:
            raise ValueError("no")


def run_one_job(url: str, runner: SeeingRunner) -> EventWorker:
    queue = EventQueue.connect(url)
    queue.send(["evt_1"])
    queue.close()
    worker = EventWorker.connect(url)
    token = CURRENT_RUNNER.set(runner)  # type: ignore[arg-type]
    try:
        worker.work(burst=True, logging_level="CRITICAL")
    finally:
        CURRENT_RUNNER.reset(token)
    return worker


def test_a_job_is_known_to_be_at_work_and_leaves_nothing_behind(redis_url: str, redis: Redis) -> None:
    runner = SeeingRunner(redis_url)
    worker = run_one_job(redis_url, runner)
    assert (runner.started, runner.left) == ([1], [0])  # begun by a worker that lives: nothing was abandoned
    assert worker.get_state() == WorkerStatus.IDLE
    contents = QueueRegistries.connect(redis_url).read()
    assert (contents.waiting, contents.entries) == (0, ())
    left = {key.decode() for key in redis.scan_iter("rq:*")}
    assert not {key for key in left if ":job:" in key or ":execution" in key or "intermediate" in key}


def test_a_job_that_fails_is_found_among_the_failed(redis_url: str) -> None:
    run_one_job(redis_url, SeeingRunner(redis_url, fails=True))
    (entry,) = QueueRegistries.connect(redis_url).read().entries
    assert entry.registry is Registry.FAILED
    assert entry.job.event_ids == ("evt_1",)


def test_a_socket_whose_path_redis_py_can_not_read_back_does_not_keep_a_worker_from_starting() -> None:
    with Valkey(name="val key") as server:
        worker = EventWorker.connect(server.url)
        assert worker.ip_address == "unknown"
        assert worker.connection.ping()
