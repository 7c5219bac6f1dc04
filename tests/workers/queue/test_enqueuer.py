import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from rq import Queue
from rq.serializers import JSONSerializer
from structlog.testing import capture_logs

from tests.servers.valkey import Valkey
from tests.servers.waiting import wait_until
from workers.queue.enqueuer import Enqueuer, job_every_seconds
from workers.queue.redis_queue import IDS_A_JOB, QUEUE_NAME, EventQueue

SECONDS_TO_SPARE = 0.5
"""For what must not wait for Redis at all, on a busy machine."""


@contextmanager
def running(queue: EventQueue) -> Iterator[Enqueuer]:
    enqueuer = Enqueuer(queue)
    enqueuer.start()
    try:
        yield enqueuer
    finally:
        enqueuer.close()


def sent(valkey: Valkey) -> list[list[str]]:
    """Return each job's ids."""
    with valkey.client() as client:
        jobs = Queue(QUEUE_NAME, connection=client, serializer=JSONSerializer).get_jobs()
        return [job.args[0] for job in jobs]


def test_when_idle_an_event_gets_a_job_at_once(queue: EventQueue, valkey: Valkey) -> None:
    with running(queue) as enqueuer:
        enqueuer.offer(["evt_1"])
        wait_until(lambda: sent(valkey) == [["evt_1"]])
        enqueuer.offer(["evt_2", "evt_3"])
        wait_until(lambda: sent(valkey) == [["evt_1"], ["evt_2", "evt_3"]])


def test_no_events_are_no_job(queue: EventQueue, valkey: Valkey) -> None:
    with running(queue) as enqueuer:
        enqueuer.offer([])
        enqueuer.offer(["evt_1"])
        enqueuer.offer([])
    assert sent(valkey) == [["evt_1"]]


def test_a_burst_shares_jobs_and_loses_nothing(queue: EventQueue, valkey: Valkey) -> None:
    ids = [f"evt_{number}" for number in range(1000)]
    with running(queue) as enqueuer:
        for event_id in ids:
            enqueuer.offer([event_id])
    jobs = sent(valkey)
    assert [event_id for job in jobs for event_id in job] == ids
    assert len(jobs) < 200
    assert max(len(job) for job in jobs) <= IDS_A_JOB


def test_where_many_jobs_wait_the_next_are_fewer_and_larger(queue: EventQueue, valkey: Valkey) -> None:
    for number in range(2):
        queue.send([f"waiting_{number}"])
    ids = [f"evt_{number}" for number in range(IDS_A_JOB * 3)]
    enqueuer = Enqueuer(queue)
    enqueuer.offer(ids)
    enqueuer.start()
    enqueuer.close()
    assert sent(valkey)[2:] == [ids]


def test_where_many_arrive_they_are_gathered_for_longer_until_fewer_do() -> None:
    assert job_every_seconds(1, 0.01) == job_every_seconds(7, 0.01) == 0.01
    assert job_every_seconds(8, 0.01) == job_every_seconds(32, 0.04) == 0.04
    assert job_every_seconds(31, 0.04) == 0.01


def test_what_was_offered_before_the_start_shares_one_job(queue: EventQueue, valkey: Valkey) -> None:
    enqueuer = Enqueuer(queue)
    for number in range(50):
        enqueuer.offer([f"evt_{number}"])
    enqueuer.start()
    enqueuer.close()
    assert [len(job) for job in sent(valkey)] == [50]


def test_closing_sends_what_is_held(queue: EventQueue, valkey: Valkey) -> None:
    with running(queue) as enqueuer:
        enqueuer.offer([f"evt_{number}" for number in range(IDS_A_JOB + 1)])
    assert [len(job) for job in sent(valkey)] == [IDS_A_JOB, 1]


def test_closing_without_a_start_is_no_error(queue: EventQueue) -> None:
    Enqueuer(queue).close()


def test_offering_never_waits_for_a_hung_redis_and_closing_ends(queue: EventQueue, valkey: Valkey) -> None:
    queue.ping()
    with capture_logs() as logs, running(queue) as enqueuer:
        valkey.pause()
        for _ in range(2):  # before and after the failure
            began = time.monotonic()
            for number in range(1000):
                enqueuer.offer([f"evt_{number}"])
            assert time.monotonic() - began < SECONDS_TO_SPARE
            wait_until(lambda: logs)
    valkey.resume()
    assert {entry["event"] for entry in logs} == {"queue_unavailable"}


def test_while_the_breaker_is_open_nothing_is_tried_and_then_it_closes(
    queue: EventQueue, valkey: Valkey
) -> None:
    with capture_logs() as logs, running(queue) as enqueuer:
        valkey.stop()
        enqueuer.offer(["evt_lost"])
        wait_until(lambda: logs)
        assert (logs[0]["event"], logs[0]["left_to_the_sweeper"]) == ("queue_unavailable", 1)
        valkey.start()
        enqueuer.offer(["evt_too_early"])  # Redis is back, but nobody looks yet
        assert enqueuer._ids == []

        def offer_another() -> list[list[str]]:
            enqueuer.offer(["evt_later"])
            return sent(valkey)

        jobs = wait_until(offer_another)
    assert jobs[0] == ["evt_later"]
    assert len(logs) == 1


class Faulty(EventQueue):
    """A queue that fails once as nobody foresaw, where it is told to."""

    fails_in = ""

    def _fail(self, where: str) -> None:
        if self.fails_in == where:
            self.fails_in = ""
            raise RuntimeError(f"unforeseen in {where}")

    def send(self, event_ids: Sequence[str], **options: Any) -> None:
        self._fail("send")
        super().send(event_ids, **options)

    def waiting_jobs(self) -> int:
        self._fail("waiting_jobs")
        return super().waiting_jobs()


@pytest.mark.parametrize("place", ["send", "waiting_jobs"])
def test_an_error_that_nobody_foresaw_is_told_with_its_place_and_taken_as_an_outage(
    redis_url: str, valkey: Valkey, place: str
) -> None:
    queue = Faulty.connect(redis_url)
    queue.fails_in = place
    with capture_logs() as logs, running(queue) as enqueuer:
        enqueuer.offer(["evt_left"])
        wait_until(lambda: logs)
        enqueuer.offer(["evt_too_early"])
        assert enqueuer._ids == []

        def offer_another() -> list[list[str]]:
            enqueuer.offer(["evt_later"])
            return sent(valkey)

        jobs = wait_until(offer_another)
    queue.close()
    assert jobs[0] == ["evt_later"]
    (told,) = logs
    assert (told["event"], told["left_to_the_sweeper"], told["exc_info"]) == ("enqueue_failed", 1, True)


def test_what_is_held_is_bounded(queue: EventQueue) -> None:
    enqueuer = Enqueuer(queue)
    for _ in range(30):
        enqueuer.offer(["evt"] * 1000)
    assert len(enqueuer._ids) == 20_000
