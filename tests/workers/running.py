"""A runner in the test's own process: real log, queue, page and keeper."""

from eventlog.database import EventLog
from eventlog.detail import read_detail
from eventlog.states import State
from handlers import Router
from tests.workers.claims import LONG
from workers.attempt_tools import Workshop
from workers.delivery import Deliverer
from workers.keeper import Keeper
from workers.page import Announcer, SharedPage
from workers.queue.redis_queue import EventQueue
from workers.runner import Runner
from workers.surroundings import Surroundings
from workers.timer import HandlerTimer


class Running:
    """A runner with all that it needs."""

    def __init__(self, log: EventLog, queue: EventQueue) -> None:
        self.log = log
        self.router = Router()
        self.page = SharedPage.create()
        self.keeper = Keeper(log, queue, check_process=lambda: None)
        timer = HandlerTimer()
        timer.install()
        surroundings = Surroundings(self.page.descriptor)
        shop = Workshop(log, timer, Announcer(self.page), surroundings, transaction_seconds=1)
        self.runner = Runner(log, self.page, self.keeper, self.router, Deliverer(shop), lease=LONG)
        self.keeper.start()

    def states(self, *ids: str) -> list[State]:
        details = [read_detail(self.log, event_id) for event_id in ids]
        return [detail.state for detail in details if detail is not None]
