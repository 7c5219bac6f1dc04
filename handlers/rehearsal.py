"""`ctx.transaction()` in users' tests: on a real log, without a worker."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from eventlog.database import EventLog
from eventlog.event import Event
from eventlog.leases import ORIGINAL_RUN
from eventlog.outcome import Result
from eventlog.rehearsal import rehearse
from eventlog.states import State
from eventlog.transaction import begin

from .registration import Handler
from .transaction import LastAct

_LIMIT_SECONDS: Final = 60.0


class _Unlimited:
    """Time is not limited in tests: a debugger may stop there."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def check(self) -> None: ...


@contextmanager
def last_act(database: str, event: Event, handler: Handler, attempt: int) -> Iterator[LastAct]:
    """Give the transaction of one attempt, on the log at this URL; its tables are made where they lack."""
    with closing(EventLog.open(database)) as log:
        seq, lease = rehearse(log, event, timedelta(seconds=_LIMIT_SECONDS))
        yield LastAct(
            partial(
                begin,
                log,
                replay=ORIGINAL_RUN,
                lease=lease,
                seq=seq,
                handler=handler.name,
                seconds=_LIMIT_SECONDS,
            ),
            lambda: Result(
                seq=seq,
                handler=handler.name,
                attempt=attempt,
                failures=0,
                state=State.DONE,
                started_at=datetime.now(UTC),
                duration=timedelta(0),
            ),
            _Unlimited(),
        )
