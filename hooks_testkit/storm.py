"""What goes wrong in the long run, made to happen at once: copies, disorder, kills, and failure without end.

    from handlers.testing import make_event
    from hooks_testkit.storm import Storm

    def test_counts_a_memory_once() -> None:
        survived = Storm(router, tables=Base.metadata).duplicate(make_event("memory.stored", memoryId="m1"))
        assert survived.state == "done"
        assert survived.times_called("count") == 1

Each storm has a path of its own, and goes on until nothing is left to wait for.
"""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Final

from handlers import Event, Router
from handlers.registration import Handler, HandlerFunction
from handlers.testing import Fake
from hooks_testkit.delivered import Delivered
from hooks_testkit.path import EventPath

if TYPE_CHECKING:
    import httpx2

    from eventlog.rehearsal import MetaData

_MOST_RECORDS: Final = 1_000


class NothingToKill(Exception):  # noqa: N818 - named for what happened
    """No worker came so far as to record that often."""


class Storm:
    """Storms for these routers and handlers."""

    def __init__(
        self,
        *what: Router | Handler | HandlerFunction,
        tables: "MetaData | None" = None,
        http: "httpx2.BaseTransport | None" = None,
        chaozcode: Fake | None = None,
        chucky: Fake | None = None,
        now: datetime | None = None,
    ) -> None:
        """What each `EventPath` is made with."""
        self._what = what
        self._tables = tables
        self._http = http
        self._chaozcode = chaozcode
        self._chucky = chucky
        self._now = now

    def duplicate(self, event: Event, *, times: int = 20, workers: int = 4) -> Delivered:
        """Send the event so many times, in several threads, while several workers run jobs for it."""
        path = self._path()
        path.send(event)
        path.queue_again(event, jobs=workers)
        with ThreadPoolExecutor(workers * 2) as threads:
            copies = [threads.submit(path.send, event) for _ in range(times - 1)]
            at_work = [threads.submit(path.work) for _ in range(workers)]
            for sent in copies:
                sent.result()
            for worked in at_work:
                worked.result()
        path.settle()
        return path.look(event)

    def reorder(self, events: Sequence[Event], *, seed: int | None = None) -> tuple[Delivered, ...]:
        """Send the events in an order left to chance; gives what became of them in the order given here.

        The seed is printed, so that pytest shows it where the test fails.
        """
        drawn = random.randrange(2**32) if seed is None else seed  # noqa: S311 - no secret
        print(f"storm.reorder(..., seed={drawn})")  # noqa: T201 - see above
        shuffled = list(events)
        random.Random(drawn).shuffle(shuffled)  # noqa: S311
        path = self._path()
        for event in shuffled:
            path.deliver(event)
        path.settle()
        return tuple(path.look(event) for event in events)

    def kill(self, event: Event, *, before_record: int = 1) -> Delivered:
        """Kill the worker between an effect and its record, and let the event run again.

        A handler's records are its steps of `ctx.once`, its `ctx.transaction`, and its outcome. The worker is
        killed just before the first of them unless told otherwise: its effect was there, and nothing knows.
        """
        survived = self._kill(event, before_record)
        if survived is None:
            records = "1 record was" if before_record == 1 else f"{before_record} records were"
            raise NothingToKill(
                f"less than {records} made of event {event.id}, of type {event.type!r}; a record is a step"
                " of ctx.once, a ctx.transaction, or the outcome of a handler that wants this type"
            )
        return survived

    def kill_at_each_record(self, event: Event) -> Iterator[Delivered]:
        """Kill the worker just before its first record, then on another path before its second, and so on.

        Each kill comes when the loop asks for it, so that the test sees what this one did to the world
        outside. The last run is one without a kill, after which the loop is over.
        """
        yield self.kill(event)  # raises, rather than have a loop pass that never ran
        for before_record in range(2, _MOST_RECORDS + 1):
            survived = self._kill(event, before_record)
            if survived is None:
                return
            yield survived

    def retry_until_dead(self, event: Event) -> Delivered:
        """Deliver the event, and go on until its handlers have given up, or succeeded after all."""
        path = self._path()
        path.deliver(event)
        path.settle()
        return path.look(event)

    def _kill(self, event: Event, before_record: int) -> Delivered | None:
        path = self._path()
        path.send(event)
        if not path.work_until_killed(before_record=before_record):
            return None
        path.settle()
        return path.look(event)

    def _path(self) -> EventPath:
        return EventPath(
            *self._what,
            tables=self._tables,
            http=self._http,
            chaozcode=self._chaozcode,
            chucky=self._chucky,
            now=self._now,
        )
