"""huey, a task an event, results kept in Redis: `send NUMBER PREFIX`; the consumer is its own command."""

import os
import sys

from huey import RedisHuey

huey = RedisHuey("peer", url=os.environ["REDIS_URL"])


@huey.task()
def handle(event_id: str) -> str:
    return event_id


def main() -> None:
    _, _, number, prefix = sys.argv
    for each in range(int(number)):
        handle(f"evt_{prefix}_{each}")
