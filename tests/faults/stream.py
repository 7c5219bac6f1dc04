"""A steady stream of signed events: as ChaozCode would, the sender repeats what was not acknowledged."""

import hashlib
import hmac
import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

SECRET = "whsec_of_the_faults"
_TYPES = ("memory.stored", "agent.failed", "project.updated")


def signed(event: dict[str, Any], secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
    """Give an event's body and the headers to send it with."""
    body = json.dumps(event).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return body, {"Content-Type": "application/json", "X-ChaozCode-Signature": f"sha256={digest}"}


def post(port: int, event: dict[str, Any], *, timeout_seconds: float = 15) -> int | None:
    """Send one event once, on a connection of its own; gives the status, or None without an answer."""
    reply = exchange(port, *signed(event), timeout_seconds=timeout_seconds)
    return reply[0] if reply else None


def exchange(
    port: int, body: bytes, headers: dict[str, str], *, timeout_seconds: float = 15
) -> tuple[int, str] | None:
    """Send one request; gives the answer's status and text, or None without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
    try:
        connection.request("POST", "/webhooks/chaozcode", body=body, headers=headers)
        reply = connection.getresponse()
        return reply.status, f"{reply.headers}{reply.read().decode()}"
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class Stream:
    """Sends new events at a rate until told to stop, each until it is acknowledged; counts the answers."""

    def __init__(self, ports: Sequence[int], *, rate: float = 40, threads: int = 4, seed: object = 0) -> None:
        self._ports = ports
        self._name = seed
        self._every_seconds = threads / rate
        self._threads = [
            threading.Thread(target=self._send, args=(random.Random(f"{seed}-{number}"), number), daemon=True)
            for number in range(threads)
        ]
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self.acknowledged: list[str] = []
        self.statuses: Counter[int | None] = Counter()
        self.slowest_seconds = 0.0
        self.given_up: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Send no new events; returns when each of those begun was acknowledged."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        assert not self.given_up, f"never acknowledged: {self.given_up[:5]}; {self.statuses}"

    def _send(self, chance: random.Random, number: int) -> None:
        count = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            count += 1
            event = {
                "id": f"evt_{self._name}_{number}_{count}",
                "type": chance.choice(_TYPES),
                "createdAt": "2026-01-30T12:00:00Z",
                "data": {"memoryId": f"m{number}", "agentId": f"a{number}", "seconds": self._seconds(chance)},
            }
            self._send_until_acknowledged(event, chance)
            if chance.random() < 0.1:
                self._try(event, chance)  # a sender that missed its answer sends the event once more
            self._stopping.wait(max(0.0, self._every_seconds - (time.monotonic() - began)))

    @staticmethod
    def _seconds(chance: random.Random) -> float:
        """Say how long the handler is to take: now and then so long that a kill will meet it at work."""
        return chance.uniform(0.05, 0.3) if chance.random() < 0.1 else 0

    def _send_until_acknowledged(self, event: dict[str, Any], chance: random.Random) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if self._try(event, chance) in (200, 202):
                with self._lock:
                    self.acknowledged.append(event["id"])
                return
            time.sleep(chance.uniform(0.05, 0.2))  # the sender's own backoff
        self.given_up.append(event["id"])

    def _try(self, event: dict[str, Any], chance: random.Random) -> int | None:
        began = time.monotonic()
        status = post(chance.choice(self._ports), event)
        with self._lock:
            self.statuses[status] += 1
            if status is not None:
                self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
        return status


@contextmanager
def many_at_once(tasks: Sequence[Callable[[], Any]]) -> Iterator[list[Any]]:
    """Run all tasks in threads that begin at one moment; gives their results, in order, after the block."""
    barrier = threading.Barrier(len(tasks))
    results: list[Any] = [None] * len(tasks)

    def run(place: int, task: Callable[[], Any]) -> None:
        barrier.wait()
        results[place] = task()

    threads = [
        threading.Thread(target=run, args=(place, task), daemon=True) for place, task in enumerate(tasks)
    ]
    for thread in threads:
        thread.start()
    yield results
    for thread in threads:
        thread.join()
