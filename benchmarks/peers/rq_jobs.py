"""RQ as it is mostly used: a job an event. `worker`, `simple` or `send NUMBER`."""

import os
import sys

from redis import Redis
from rq import Queue, SimpleWorker, Worker

RESULT_SECONDS = 3600


def handle(event_id: str) -> str:
    return event_id


def main() -> None:
    connection = Redis.from_url(os.environ["REDIS_URL"])
    queue = Queue("peer", connection=connection)
    # By its name on the path: as __main__ a worker would not find it.
    job = "rq_jobs.handle"
    match sys.argv[1:]:
        case ["send", number, prefix]:
            for turn in range(0, int(number), 1000):
                ids = [f"evt_{prefix}_{each}" for each in range(turn, min(turn + 1000, int(number)))]
                queue.enqueue_many(
                    [Queue.prepare_data(job, args=(each,), result_ttl=RESULT_SECONDS) for each in ids]
                )
        case ["worker"]:
            Worker([queue], connection=connection).work(logging_level="WARNING")
        case ["simple"]:
            SimpleWorker([queue], connection=connection).work(logging_level="WARNING")
        case other:
            sys.exit(f"rq_jobs.py: worker, simple, or send NUMBER PREFIX; not {other}")


if __name__ == "__main__":
    main()
