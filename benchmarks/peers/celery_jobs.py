"""Celery, a task an event, results kept in Redis: `send NUMBER PREFIX`; the worker is its own command."""

import os
import sys

from celery import Celery

_URL = os.environ["REDIS_URL"].replace("unix://", "redis+socket://")
app = Celery("celery_jobs", broker=_URL, backend=_URL)
app.conf.update(broker_connection_retry_on_startup=True, worker_hijack_root_logger=False, task_acks_late=True)


@app.task(name="handle")
def handle(event_id: str) -> str:
    return event_id


def main() -> None:
    _, _, number, prefix = sys.argv
    with app.producer_or_acquire() as producer:
        for each in range(int(number)):
            handle.apply_async((f"evt_{prefix}_{each}",), producer=producer)


if __name__ == "__main__":
    main()
