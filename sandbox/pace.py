"""Send many events: at most so many a second, over so many connections at once."""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

from sandbox.sender import NoReply, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One event that was sent, and what came back."""

    event_id: str
    reply: Reply | NoReply


def wait_seconds(place: int, *, rate: float | None, elapsed: float) -> float:
    """Return how long the event at this place has to wait still.

    Measured from the start and not from the event before, so that delays don't add up to a lower rate.
    """
    return 0.0 if rate is None else max(0.0, place / rate - elapsed)


def send_many(
    count: int,
    send: Callable[[int], list[Sent]],
    *,
    rate: float | None,
    threads: int,
    clock: Callable[[], float],
) -> Generator[Sent, None, None]:
    """Call `send` for each place from 0 on, and give what it sent as it comes; stops when closed."""
    stop = threading.Event()
    sent: SimpleQueue[list[Sent] | None] = SimpleQueue()
    places = iter(range(count))
    turn = threading.Lock()
    begun = clock()

    def work() -> None:
        try:
            while not stop.is_set():
                with turn:
                    place = next(places, None)
                if place is None or stop.wait(wait_seconds(place, rate=rate, elapsed=clock() - begun)):
                    return
                sent.put(send(place))
        finally:
            sent.put(None)

    with ThreadPoolExecutor(threads, thread_name_prefix="send") as pool:
        workers = [pool.submit(work) for _ in range(threads)]
        try:
            for _ in workers:
                while (batch := sent.get()) is not None:
                    yield from batch
        finally:
            stop.set()
    for worker in workers:
        worker.result()
