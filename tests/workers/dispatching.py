"""Claims, dispatches and settles in the test's own process, one event at a time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.detail import Delivery, EventDetail, read_detail
from eventlog.event import Event
from eventlog.hold import ORIGINAL_RUN, Hold
from eventlog.leases import claim, new_lease
from eventlog.outcome import Closing, Result
from eventlog.settlement import settle
from eventlog.sweep import sweep
from handlers import Router
from tests.workers.claims import make_due
from workers.attempt_tools import Workshop
from workers.delivery import Deliverer
from workers.dispatch import Dispatcher
from workers.page import Running
from workers.surroundings import Surroundings
from workers.timer import HandlerTimer

STANDARD_INPUT = 0


class Dispatching:
    """What a worker does with one event, without its processes and threads."""

    def __init__(self, log: EventLog, timer: HandlerTimer) -> None:
        self.log = log
        self.router = Router()
        self.announced: list[Running | None] = []
        self.lost = False
        self._dispatcher = Dispatcher(
            self.router,
            Deliverer(
                Workshop(
                    log, timer, self.announced.append, Surroundings(STANDARD_INPUT), transaction_seconds=1
                )
            ),
        )

    def accept(self, event_id: str = "evt_1", event_type: str = "a.b", data: bytes = b"{}") -> None:
        body = b'{"id": "%s", "type": "%s", "data": %s}' % (event_id.encode(), event_type.encode(), data)
        record(self.log, [Event(id=event_id, type=event_type, received_at=datetime.now(UTC), body=body)])

    def run(self, event_id: str = "evt_1", *, replay: int = ORIGINAL_RUN) -> EventDetail:
        """Run what is due of an event, and record it; gives what the log then knows of it."""
        hold = Hold(lease=new_lease(), replay=replay)
        claimed = claim(self.log, hold, [event_id], duration=timedelta(seconds=30))

        def keep(results: list[Result], closing: Closing | None) -> None:
            closings = [] if closing is None else [closing]
            settle(self.log, hold, results=results, closings=closings)

        is_lost: Callable[[], bool] = lambda: self.lost  # noqa: E731 - asked anew before each handler
        for one in claimed:
            self._dispatcher.dispatch(one, hold, is_lost=is_lost, record=keep)
        return self.detail(event_id)

    def run_again(self, event_id: str = "evt_1", *, replay: int = ORIGINAL_RUN) -> EventDetail:
        """Let the waiting be over, and run the event again."""
        make_due(self.log)
        sweep(self.log)
        return self.run(event_id, replay=replay)

    def detail(self, event_id: str = "evt_1") -> EventDetail:
        found = read_detail(self.log, event_id)
        assert found is not None
        return found

    def delivery(self, handler: str, *, replay: int = ORIGINAL_RUN) -> Delivery:
        (found,) = (one for one in self.detail().deliveries if (one.handler, one.replay) == (handler, replay))
        return found
