"""The handlers of the fault suite, and what they did: marks in a file, and rows beside the log's own."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import text

from eventlog.database import EventLog

MODULE_NAME: Final = "faulted_handlers"
_LEDGER: Final = "CREATE TABLE IF NOT EXISTS ledger (event_id VARCHAR(255) NOT NULL, pid INTEGER NOT NULL)"
_MODULE: Final = """
import json
import os
import time

from sqlalchemy import text

from handlers import Context, Event, Router, exponential

router = Router()
BACKOFF = exponential(0.2, cap=1)
MARKS = os.open({marks!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)


def note(event: Event, ctx: Context) -> None:
    mark = {{"event": event.id, "handler": ctx.handler, "attempt": ctx.attempt, "pid": os.getpid()}}
    os.write(MARKS, (json.dumps(mark) + "\\n").encode())


@router.on("*", retries=12, backoff=BACKOFF)
def mark(event: Event, ctx: Context) -> None:
    note(event, ctx)
    time.sleep(event.data.get("seconds", 0))


@router.on("agent.*", retries=12, backoff=BACKOFF)
def fail_once(event: Event, ctx: Context) -> None:
    note(event, ctx)
    if ctx.attempt == 1:
        raise RuntimeError("as planned")


@router.on("*", retries=12, backoff=BACKOFF)
def write_ledger(event: Event, ctx: Context) -> None:
    note(event, ctx)
    with ctx.transaction() as session:
        session.execute(
            text("INSERT INTO ledger (event_id, pid) VALUES (:event_id, :pid)"),
            {{"event_id": event.id, "pid": os.getpid()}},
        )
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One call of a handler."""

    event: str
    handler: str
    attempt: int
    pid: int


class Effects:
    """Everything that the handlers of one test left behind."""

    def __init__(self, folder: Path, log: EventLog) -> None:
        self._marks = folder / "marks"
        self._marks.touch()
        self._log = log
        (folder / f"{MODULE_NAME}.py").write_text(_MODULE.format(marks=str(self._marks)))
        with log.write() as connection:
            connection.execute(text(_LEDGER))

    def marks(self) -> list[Mark]:
        return [Mark(**json.loads(line)) for line in self._marks.read_text().splitlines()]

    def called(self, handler: str = "mark") -> Counter[str]:
        """Count the calls of a handler by event."""
        return Counter(mark.event for mark in self.marks() if mark.handler == handler)

    def ledger(self) -> Counter[str]:
        """Count the rows that `write_ledger` wrote in the log's own transactions, by event."""
        with self._log.read() as connection:
            rows = connection.execute(
                text("SELECT event_id, count(*) AS number FROM ledger GROUP BY event_id")
            )
            return Counter({row.event_id: row.number for row in rows})
