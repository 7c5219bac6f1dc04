import json
import time
import zlib
from datetime import timedelta
from typing import Any

import pytest
from rq import Queue
from rq.serializers import JSONSerializer

from tests.servers.valkey import Valkey
from tests.servers.waiting import wait_until
from workers.queue.redis_queue import IDS_A_JOB, JOB_FUNCTION, QUEUE_NAME, EventQueue, QueueUnavailable

BOUND_SECONDS = 5
"""Far below the 40 s of redis-py's own defaults, and far above the second that is set."""


def test_a_job_carries_ids_and_the_replay_and_nothing_else(queue: EventQueue, valkey: Valkey) -> None:
    queue.send(["evt_1", "é", "evt 3"], replay=7)
    (job,) = stored_jobs(valkey)
    assert data_of(job) == [JOB_FUNCTION, None, [["evt_1", "é", "evt 3"], 7], {}]
    assert not any(b"evt" in value for name, value in job.items() if name != b"data")


def test_jobs_are_json_that_rq_reads_without_pickle(queue: EventQueue, valkey: Valkey) -> None:
    queue.send(["evt_1"])
    with valkey.client() as client:
        (job,) = Queue(QUEUE_NAME, connection=client, serializer=JSONSerializer).get_jobs()
        assert (job.func_name, job.args, job.kwargs) == (JOB_FUNCTION, [["evt_1"], 0], {})
        assert job.timeout == -1
        assert job.result_ttl == 0


def test_the_next_job_tells_for_how_long_it_has_waited(queue: EventQueue, valkey: Valkey) -> None:
    assert queue.oldest_wait() is None
    queue.send(["evt_1"])
    first = wait_until(queue.oldest_wait)
    assert first is not None
    queue.send(["evt_2"])
    later = queue.oldest_wait()
    assert later is not None
    assert timedelta(0) < first < later < timedelta(seconds=30)


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (200, [200]), (201, [200, 1]), (450, [200, 200, 50])]
)
def test_ids_are_split_over_jobs_in_order(
    queue: EventQueue, valkey: Valkey, count: int, sizes: list[int]
) -> None:
    assert IDS_A_JOB == 200
    ids = [f"evt_{number}" for number in range(count)]
    queue.send(ids)
    sent = [data_of(job)[2][0] for job in stored_jobs(valkey)]
    assert [len(part) for part in sent] == sizes
    assert [event_id for part in sent for event_id in part] == ids
    assert queue.waiting_jobs() == len(sizes)


def test_a_stopped_server_is_told_soon_and_used_again_once_it_is_back(
    queue: EventQueue, valkey: Valkey
) -> None:
    queue.send(["evt_1"])
    valkey.stop()
    assert_unavailable_soon(queue)
    valkey.start()
    queue.ping()
    queue.send(["evt_2"])
    assert queue.waiting_jobs() == 1  # this Valkey forgot the first


def test_a_hung_server_is_told_soon_and_used_again_once_it_goes_on(queue: EventQueue, valkey: Valkey) -> None:
    queue.ping()
    valkey.pause()
    assert_unavailable_soon(queue)
    valkey.resume()
    wait_until(lambda: answers(queue))
    queue.send(["evt_2"])
    assert queue.waiting_jobs() >= 1


@pytest.mark.parametrize(
    "url", ["unix:///no/such/socket", "redis://127.0.0.1:1/0", "redis://no.such.host.invalid/0"]
)
def test_a_server_that_is_not_there_is_told_soon(url: str) -> None:
    queue = EventQueue.connect(url)
    assert_unavailable_soon(queue)
    queue.close()


def test_a_server_that_refuses_to_write_is_told(queue: EventQueue, valkey: Valkey) -> None:
    with valkey.client() as client:
        client.config_set("maxmemory", "1")
        try:
            with pytest.raises(QueueUnavailable, match="maxmemory"):
                queue.send(["evt_1"])
        finally:
            client.config_set("maxmemory", "0")
    queue.send(["evt_1"])


def assert_unavailable_soon(queue: EventQueue) -> None:
    for ask in (lambda: queue.send(["evt_1"] * 1000), queue.ping, queue.waiting_jobs):
        began = time.monotonic()
        with pytest.raises(QueueUnavailable, match="the queue can't be reached"):
            ask()
        assert time.monotonic() - began < BOUND_SECONDS


def answers(queue: EventQueue) -> bool:
    try:
        queue.ping()
    except QueueUnavailable:
        return False
    return True


def stored_jobs(valkey: Valkey) -> list[dict[bytes, bytes]]:
    """Return the jobs as they are in Redis, in the order of the queue."""
    with valkey.client() as client:
        ids = client.lrange(f"rq:queue:{QUEUE_NAME}", 0, -1)
        assert isinstance(ids, list)
        jobs: list[Any] = [client.hgetall(f"rq:job:{job.decode()}") for job in ids]
        return jobs


def data_of(job: dict[bytes, bytes]) -> Any:
    return json.loads(zlib.decompress(job[b"data"]))
