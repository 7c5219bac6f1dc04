"""`ctx.transaction()` and `ctx.once()` in users' tests: on a real log, without a worker."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from eventlog.event import Event
from eventlog.outcome import Result
from eventlog.states import State

from .registration import Handler
from .transaction import LastAct

if TYPE_CHECKING:  # a database loads slowly, and most tests need none
    from eventlog.database import EventLog
    from eventlog.effects import StepsOnRecord
    from eventlog.rehearsal import MetaData
    from eventlog.transaction import OutcomeTransaction

_LIMIT_SECONDS: Final = 60.0


class Rehearsal:
    """The log that a test's runs share; it is opened when a handler, or the test, first asks for it."""

    def __init__(self, *, database: str | None, tables: "MetaData | None") -> None:
        """Without a `database`, which is a URL, the log is in memory, and `tables` are made in it."""
        self._database = database
        self._tables = tables
        self._log: EventLog | None = None

    @property
    def log(self) -> "EventLog":
        if self._log is None:
            self._log = self._open()
            weakref.finalize(self, self._log.close)
        return self._log

    def _open(self) -> "EventLog":
        if self._database is None:
            from eventlog.in_memory import InMemoryLog  # noqa: PLC0415 - see above

            return InMemoryLog(tables=self._tables)
        from eventlog.database import EventLog  # noqa: PLC0415 - see above
        from eventlog.rehearsal import make_tables  # noqa: PLC0415 - see above
        from eventlog.schema import upgrade  # noqa: PLC0415 - see above

        log = EventLog.open(self._database)
        upgrade(log)
        if self._tables is not None:
            make_tables(log, self._tables)
        return log


class RehearsedDelivery:
    """One attempt's claim on its event, made when the handler first needs it."""

    def __init__(
        self, rehearsal: Rehearsal, event: Event, handler: Handler, *, attempt: int, replay: int
    ) -> None:
        self._rehearsal = rehearsal
        self._event = event
        self._handler = handler
        self._attempt = attempt
        self._replay = replay
        self._claim: tuple[int, str] | None = None

    def last_act(self) -> LastAct:
        return LastAct(self._begin, self._done, _Unlimited())

    def find(self, key: str) -> str | None:
        """Give the result of a step that is on record."""
        return self._steps().find(key)

    def record(self, key: str, result: str) -> str:
        """Record a step."""
        return self._steps().record(key, result)

    def _steps(self) -> "StepsOnRecord":
        from eventlog.effects import StepsOnRecord  # noqa: PLC0415 - see above

        seq, lease = self._claimed()
        return StepsOnRecord(
            log=self._rehearsal.log, seq=seq, handler=self._handler.name, replay=self._replay, lease=lease
        )

    @contextmanager
    def _begin(self) -> "Iterator[OutcomeTransaction]":
        from eventlog.hold import ORIGINAL_RUN, Hold  # noqa: PLC0415 - see above
        from eventlog.transaction import begin  # noqa: PLC0415 - see above

        seq, lease = self._claimed()
        with begin(
            self._rehearsal.log,
            Hold(lease=lease, replay=ORIGINAL_RUN),
            seq=seq,
            handler=self._handler.name,
            seconds=_LIMIT_SECONDS,
        ) as transaction:
            yield transaction

    def _done(self) -> Result:
        return Result(
            seq=self._claimed()[0],
            handler=self._handler.name,
            attempt=self._attempt,
            failures=0,
            state=State.DONE,
            started_at=datetime.now(UTC),
            duration=timedelta(0),
        )

    def _claimed(self) -> tuple[int, str]:
        if self._claim is None:
            from eventlog.rehearsal import rehearse  # noqa: PLC0415 - see above

            self._claim = rehearse(self._rehearsal.log, self._event, timedelta(seconds=_LIMIT_SECONDS))
        return self._claim


class _Unlimited:
    """Time is not limited in tests: a debugger may stop there."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def check(self) -> None: ...
