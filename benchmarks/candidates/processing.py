"""The candidates that work off events, a no-op handler each, with one worker."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from redis import Redis

from benchmarks.candidates.ours import installation
from benchmarks.candidates.places import NODE, PEERS, environment, node_program, peer_program
from benchmarks.cores import MEASURED
from benchmarks.load.payload import event_id
from benchmarks.program import Program, program
from benchmarks.site import Site
from benchmarks.store import count_unfinished, last_seq, require_outcomes, store_events
from workers.queue.redis_queue import IDS_A_JOB_BEHIND, EventQueue

_SEND_SECONDS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """One worker at work, or several."""

    workers: tuple[Program, ...]
    prepare: Callable[[str, int], object]
    """Stores so many events, under ids with this prefix, before the worker is paused."""
    send: Callable[[str, int], None]
    """Queues them."""
    finished: Callable[[], int]
    """Counts outcomes; may say less while there is work left."""
    check: Callable[[int], None] = field(default=lambda _number: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """A candidate, how to start it, and how many events suit its rate."""

    name: str
    opened: Callable[[Site], AbstractContextManager[Crew]]
    share: float
    """Of the number of events that the fastest get, so that the slow ones end in time too."""


@contextmanager
def open_ours(
    site: Site,
    url: str,
    *,
    workers: int = 1,
    cores: tuple[int, ...] = (MEASURED,),
    handlers: str = "benchmarks.noop_handler",
    ids_a_job: int = IDS_A_JOB_BEHIND,
) -> Iterator[Crew]:
    """Run workers of ours on a database, which may hold events already.

    The receiver sends as many events a job as the default says where workers are behind.
    """
    settings = {"HOOKS_HANDLERS": handlers}
    with installation(site, url) as (ours, log), ExitStack() as opened:
        started = [
            opened.enter_context(ours.run("worker", cores=cores, settings=settings)) for _ in range(workers)
        ]
        queue = opened.enter_context(closing(EventQueue.connect(site.valkey.url)))
        before, others = last_seq(log), count_unfinished(log)
        prepared = 0

        def prepare(prefix: str, number: int) -> None:
            nonlocal prepared
            store_events(log, prefix, number)
            prepared += number

        def send(prefix: str, number: int) -> None:
            queue.send([event_id(prefix, each) for each in range(number)], ids_a_job=ids_a_job)

        def finished() -> int:
            return 0 if queue.waiting_jobs() else prepared + others - count_unfinished(log)

        yield Crew(
            workers=tuple(started),
            prepare=prepare,
            send=send,
            finished=finished,
            check=lambda number: require_outcomes(log, number, after=before),
        )


@contextmanager
def _ours(site: Site, *, kind: str) -> Iterator[Crew]:
    with open_ours(site, site.new_database(kind)) as crew:
        yield crew


@contextmanager
def _peer(
    site: Site,
    name: str,
    worker: tuple[str | Path, ...],
    sender: tuple[str | Path, ...],
    finished: Callable[[Redis], int],
) -> Iterator[Crew]:
    site.valkey.flush()
    settings = environment(REDIS_URL=site.valkey.url, REDIS_SOCKET=str(site.valkey.socket))
    with program(name) as it, site.redis as redis:
        it.start(*worker, environment=settings)

        def send(prefix: str, number: int) -> None:
            subprocess.run(
                [*sender, "send", str(number), prefix], env=settings, check=True, timeout=_SEND_SECONDS
            )

        yield Crew(
            workers=(it,),
            prepare=lambda _prefix, _number: None,
            send=send,
            finished=lambda: finished(redis),
        )


@contextmanager
def _rq(site: Site, *, kind: str) -> Iterator[Crew]:
    script = (peer_program("python"), PEERS / "rq_jobs.py")
    with _peer(
        site, "rq", (*script, kind), script, lambda redis: int(redis.zcard("rq:finished:peer"))
    ) as crew:
        yield crew


@contextmanager
def _celery(site: Site) -> Iterator[Crew]:
    options = ("--pool", "solo", "--loglevel", "warning", "--without-gossip", "--without-mingle")
    worker = (peer_program("celery"), "-A", "celery_jobs", "worker", *options)
    sender = (peer_program("python"), PEERS / "celery_jobs.py")

    def finished(redis: Redis) -> int:
        if redis.llen("celery"):
            return 0
        return sum(1 for _ in redis.scan_iter("celery-task-meta-*", count=10_000))

    with _peer(site, "celery", worker, sender, finished) as crew:
        yield crew


@contextmanager
def _huey(site: Site) -> Iterator[Crew]:
    worker = (peer_program("huey_consumer"), "huey_jobs.huey", "-w", "1", "-k", "thread", "-q")
    # Imported, as the consumer does it: a task is found by the name of its module.
    sender = (peer_program("python"), "-c", "from huey_jobs import main; main()")
    with _peer(site, "huey", worker, sender, lambda redis: int(redis.hlen("huey.results.peer"))) as crew:
        yield crew


@contextmanager
def _bullmq(site: Site, *, concurrency: int) -> Iterator[Crew]:
    script = (node_program(), NODE / "process.js")
    worker = (*script, "worker", str(concurrency))
    with _peer(site, "bullmq", worker, script, lambda redis: int(redis.zcard("bull:peer:completed"))) as crew:
        yield crew


PROCESSING: Final = (
    Processing(name="hooks, SQLite", opened=partial(_ours, kind="sqlite"), share=1),
    Processing(name="hooks, PostgreSQL", opened=partial(_ours, kind="postgresql"), share=1),
    Processing(name="BullMQ, concurrency 50", opened=partial(_bullmq, concurrency=50), share=1),
    Processing(name="BullMQ, concurrency 1", opened=partial(_bullmq, concurrency=1), share=0.4),
    Processing(name="huey", opened=_huey, share=0.4),
    Processing(name="Celery solo", opened=_celery, share=0.15),
    Processing(name="RQ SimpleWorker", opened=partial(_rq, kind="simple"), share=0.05),
    Processing(name="RQ Worker", opened=partial(_rq, kind="worker"), share=0.01),
)
