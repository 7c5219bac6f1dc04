"""What a handler reaches through its context beside the event; made when asked for, as few handlers do."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from os import getpid
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, Final

from eventlog.database import EventLog
from eventlog.effects import StepsOnRecord
from eventlog.hold import Hold
from eventlog.outcome import AfterCommit, Result, do_nothing
from eventlog.transaction import begin
from handlers.apis import AttemptApis, MakeApis
from handlers.http import AttemptHttp
from handlers.once import Result as StepResult
from handlers.once import Steps
from handlers.transaction import LastAct
from workers.page import Announce, Running
from workers.step_shield import StepShield
from workers.surroundings import Surroundings
from workers.timer import HandlerTimer
from workers.transaction_limit import TransactionLimit

if TYPE_CHECKING:  # these load slowly
    import httpx2

    from clients.chaozcode.client import ChaozCode
    from clients.chucky.client import Chucky
    from eventlog.transaction import Session

_LEAST_SECONDS: Final = 0.001
_MAKING: Final = RLock()  # handlers may use threads


class Workshop:
    """What all attempts of a process share."""

    def __init__(
        self,
        log: EventLog,
        timer: HandlerTimer,
        announce: Announce,
        surroundings: Surroundings,
        *,
        transaction_seconds: float,
        after_commit: AfterCommit = do_nothing,
        make_http: Callable[..., AttemptHttp] = AttemptHttp,
        make_apis: MakeApis = AttemptApis,
    ) -> None:
        self.log = log
        self.timer = timer
        self.announce = announce
        self.surroundings = surroundings
        self.transaction_seconds = transaction_seconds
        self.after_commit = after_commit
        self.make_http = make_http
        self.make_apis = make_apis
        self.pid = getpid()


class AttemptTools:
    """The tools of one attempt."""

    __slots__ = ("_apis", "_done", "_ends_at", "_hold", "_http", "_last_act", "_running", "_shop", "_steps")

    def __init__(
        self,
        shop: Workshop,
        hold: Hold,
        running: Running,
        *,
        ends_at: float,
        done: Callable[[], Result],
    ) -> None:
        """`ends_at` is when the time is up, on the monotonic clock; `done` gives the result of a success."""
        self._shop = shop
        self._hold = hold
        self._running = running
        self._ends_at = ends_at
        self._done = done
        self._http: AttemptHttp | None = None
        self._apis: AttemptApis | None = None
        self._steps: Steps | None = None
        self._last_act: LastAct | None = None

    def transaction(self) -> "AbstractContextManager[Session]":
        with _MAKING:
            last_act = self._make_last_act()
        return last_act.open()

    def once(self, key: str, fn: Callable[[], StepResult], /) -> StepResult:
        with _MAKING:
            if self._steps is None:
                self._steps = self._make_steps()
        return self._steps.once(key, fn)

    def http(self) -> "httpx2.Client":
        with _MAKING:
            if self._http is None:
                self._http = self._shop.make_http(seconds=self._seconds_left())
        return self._http.client()

    def chaozcode(self) -> "ChaozCode":
        return self._make_apis().chaozcode()

    def chucky(self) -> "Chucky":
        return self._make_apis().chucky()

    @property
    def ending(self) -> tuple[str | None, Result | None]:
        """Why this attempt must have no outcome, and what was recorded with the handler's transaction."""
        return (None, None) if self._last_act is None else (self._last_act.lost, self._last_act.recorded)

    def close(self) -> None:
        """Close all connections; never raises."""
        if self._http is not None:
            self._http.close()
        if self._apis is not None:
            self._apis.close()

    def _make_apis(self) -> AttemptApis:
        with _MAKING:
            if self._apis is None:
                self._apis = self._shop.make_apis(seconds=self._seconds_left())
            return self._apis

    def _make_steps(self) -> Steps:
        running, hold = self._running, self._hold
        return Steps(
            StepsOnRecord(
                log=self._shop.log,
                seq=running.seq,
                handler=running.handler,
                replay=hold.replay,
                lease=hold.lease,
            ),
            StepShield(self._shop.timer, self._shop.surroundings),
            self._make_last_act(),
            attempt=running.attempt,
            ends_at=self._ends_at,
            pid=self._shop.pid,
        )

    def _make_last_act(self) -> LastAct:
        if self._last_act is None:
            shop, running, hold = self._shop, self._running, self._hold
            self._last_act = LastAct(
                partial(
                    begin,
                    shop.log,
                    hold,
                    after_commit=shop.after_commit,
                    seq=running.seq,
                    handler=running.handler,
                    seconds=shop.transaction_seconds,
                ),
                self._done,
                TransactionLimit(
                    shop.timer, shop.announce, shop.surroundings, running, seconds=shop.transaction_seconds
                ),
            )
        return self._last_act

    def _seconds_left(self) -> float:
        return max(self._ends_at - monotonic(), _LEAST_SECONDS)
