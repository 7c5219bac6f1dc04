"""Jobs for those whose turn has come: to each queue and run its own, and to nobody when Redis is away."""

from contextlib import closing

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from structlog.testing import capture_logs

from eventlog.outcome import Woken
from tests.servers.valkey import Valkey
from workers.queue.redis_queue import EventQueue, rq_name
from workers.waking import send_woken


def jobs(redis_url: str, queue: str | None) -> list[tuple[object, ...]]:
    with closing(Redis.from_url(redis_url)) as redis:
        held = Queue(rq_name(queue), connection=redis, serializer=JSONSerializer)
        return [tuple(job.args) for job in held.get_jobs()]


def test_each_queue_and_each_run_gets_a_job_of_its_own(queue: EventQueue, redis_url: str) -> None:
    send_woken(
        queue,
        [
            Woken(event_id="evt_1", replay=0, queue="slow"),
            Woken(event_id="evt_2", replay=0, queue="hooks"),
            Woken(event_id="evt_3", replay=0, queue="slow"),
            Woken(event_id="evt_1", replay=4, queue="slow"),
        ],
    )
    assert jobs(redis_url, "slow") == [(["evt_1", "evt_3"], 0, "slow"), (["evt_1"], 4, "slow")]
    # In the queue of all, a job that names it is for what runs alone there, and not for the whole event.
    assert jobs(redis_url, None) == [(["evt_2"], 0, "hooks")]


def test_where_nobody_is_woken_no_job_is_sent(queue: EventQueue, redis_url: str) -> None:
    send_woken(queue, [])
    with closing(Redis.from_url(redis_url)) as redis:
        assert redis.keys() == []


def test_what_can_not_be_sent_is_left_to_the_sweeper(queue: EventQueue, valkey: Valkey) -> None:
    valkey.kill()
    with capture_logs() as logged:
        send_woken(
            queue,
            [
                Woken(event_id="evt_1", replay=0, queue="slow"),
                Woken(event_id="evt_2", replay=0, queue="slow"),
                Woken(event_id="evt_3", replay=0, queue="hooks"),
            ],
        )
    assert [(line["event"], line["left_to_the_sweeper"]) for line in logged] == [
        ("queue_unavailable", 2),
        ("queue_unavailable", 1),
    ]
