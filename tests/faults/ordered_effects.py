"""Handlers that note when they begin and end, and what the notes say of order and of how many ran at once."""

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select, text

from eventlog.database import EventLog
from eventlog.hold import ORIGINAL_RUN
from eventlog.tables import deliveries, events

MODULE_NAME: Final = "noting_handlers"
_HEAD: Final = """
import json
import os
import time
from contextlib import contextmanager

from sqlalchemy import text

from handlers import Context, Event, PermanentError, Router, fixed

router = Router()
SOON = fixed(0.1)
MARKS = os.open({marks!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)
RELEASED = {released!r}


def note(what: str, event: Event, ctx: Context) -> None:
    mark = {{"what": what, "handler": ctx.handler, "event": event.id, "subject": event.subject,
            "pid": os.getpid(), "attempt": ctx.attempt, "replay": ctx.replay, "at": time.time()}}
    os.write(MARKS, (json.dumps(mark) + "\\n").encode())


@contextmanager
def noted(event: Event, ctx: Context):
    note("began", event, ctx)
    try:
        yield
    except BaseException:
        note("failed", event, ctx)
        raise
    note("ended", event, ctx)


def behave(event: Event, ctx: Context) -> None:
    with noted(event, ctx):
        time.sleep(event.data.get("seconds", 0))
        if event.data.get("dies") and not ctx.is_replay:
            raise PermanentError("as planned")
        if ctx.attempt <= event.data.get("fails", 0):
            raise RuntimeError("as planned")


def wait_for_release(event: Event, ctx: Context) -> None:
    with noted(event, ctx):
        while not os.path.exists(RELEASED):
            time.sleep(0.02)


def write_ledger(event: Event, ctx: Context) -> None:
    with noted(event, ctx), ctx.transaction() as session:
        values = {{"event_id": event.id, "pid": os.getpid()}}
        session.execute(text("INSERT INTO ledger (event_id, pid) VALUES (:event_id, :pid)"), values)
        time.sleep(event.data.get("seconds", 0))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One line: a handler began, ended or failed; or a process is about to be killed."""

    what: str
    pid: int
    at: float
    handler: str = ""
    event: str = ""
    subject: str | None = None
    attempt: int = 0
    replay: int = ORIGINAL_RUN


class OrderedEffects:
    """The handlers of one test, and their marks in the order in which they were made."""

    def __init__(self, folder: Path, handlers: str) -> None:
        self._marks = folder / "noted"
        self._marks.touch()
        self._released = folder / "released"
        head = _HEAD.format(marks=str(self._marks), released=str(self._released))
        (folder / f"{MODULE_NAME}.py").write_text(f"{head}\n\n{handlers}")

    def release(self) -> None:
        """Let the handlers end that wait for it."""
        self._released.touch()

    def note_kill(self, pids: Iterable[int]) -> None:
        """Note before a kill whom it meets: whoever begins after it may overlap with what these had begun."""
        with self._marks.open("ab", buffering=0) as file:
            for pid in pids:
                file.write(
                    json.dumps({"what": "killed", "pid": pid, "at": time.time()}).encode()
                    + os.linesep.encode()
                )

    def marks(self, *what: str, handler: str | None = None, replay: int | None = None) -> list[Mark]:
        """Give the marks of these kinds, of one handler and in one run; all where none is named."""
        lines = self._marks.read_text().splitlines()
        return [
            mark
            for mark in (Mark(**json.loads(line)) for line in lines)
            if (not what or mark.what in what)
            and (mark.what == "killed" or (handler in (None, mark.handler) and replay in (None, mark.replay)))
        ]


def assert_one_by_one(marks: Sequence[Mark], seqs: Mapping[str, int]) -> None:
    """Assert that of each subject one ran at a time, and none before all earlier ones had ended well.

    `marks` are of one handler in one run, and of kills; `seqs` of all events that it ran.
    """
    by_subject: dict[str | None, list[Mark]] = {}
    for mark in marks:
        if mark.what != "killed":
            by_subject.setdefault(mark.subject, []).append(mark)
    for subject, of_subject in by_subject.items():
        mine = sorted({mark.event for mark in of_subject}, key=lambda event_id: seqs[event_id])
        _assert_one_by_one(
            subject, mine, [mark for mark in marks if mark.what == "killed" or mark in of_subject]
        )


def _assert_one_by_one(subject: str | None, mine: Sequence[str], marks: Sequence[Mark]) -> None:
    place = {event_id: number for number, event_id in enumerate(mine)}
    ended: set[str] = set()
    first: list[str] = []
    running: Mark | None = None
    killed: set[int] = set()
    for mark in marks:
        if mark.what == "killed":
            killed.add(mark.pid)
        elif mark.what == "began":
            assert running is None or running.pid in killed, f"{subject}: {mark} began beside {running}"
            running = mark
            missing = set(mine[: place[mark.event]]) - ended
            assert not missing, f"{subject}: {mark.event} began before {sorted(missing)} had ended"
            if mark.event not in first:
                first.append(mark.event)
        else:
            running = None if running is not None and running.pid == mark.pid else running
            if mark.what == "ended":
                ended.add(mark.event)
    assert first == list(mine), f"{subject}: the first starts"


def at_work(marks: Sequence[Mark]) -> set[int]:
    """Give the processes in which a handler has begun and not ended."""
    pids: set[int] = set()
    for mark in marks:
        pids.discard(mark.pid)
        if mark.what == "began":
            pids.add(mark.pid)
    return pids


def most_at_once(marks: Sequence[Mark]) -> int:
    """Count how many ran at one time at most; one that was killed ran until then."""
    running: dict[int, Mark] = {}
    most = 0
    for mark in marks:
        if mark.what == "began":
            running[mark.pid] = mark
            most = max(most, len(running))
        else:
            running.pop(mark.pid, None)
    return most


def most_within(marks: Sequence[Mark], seconds: float) -> int:
    """Count how many began within any period of that length at most."""
    at = sorted(mark.at for mark in marks if mark.what == "began")
    return max((sum(1 for other in at if one <= other < one + seconds) for one in at), default=0)


def seqs_of(log: EventLog) -> dict[str, int]:
    with log.read() as connection:
        return {row.id: row.seq for row in connection.execute(select(events.c.id, events.c.seq))}


def delivery_states(log: EventLog, handler: str, *, replay: int = ORIGINAL_RUN) -> dict[str, str]:
    """Give the state of each event's delivery to a handler, in one run."""
    query = (
        select(events.c.id, deliveries.c.state)
        .join(deliveries, deliveries.c.event_seq == events.c.seq)
        .where(deliveries.c.handler == handler, deliveries.c.replay == replay)
    )
    with log.read() as connection:
        return {row.id: row.state for row in connection.execute(query)}


def standing(log: EventLog) -> list[Any]:
    """Give what stands in a line still, or has not ended."""
    query = select(deliveries).where(
        deliveries.c.line.isnot(None) | deliveries.c.state.not_in(("done", "dead", "skipped", "resolved"))
    )
    with log.read() as connection:
        return list(connection.execute(query))


def ledger(log: EventLog) -> dict[str, int]:
    """Count the rows that `write_ledger` wrote, by event."""
    with log.read() as connection:
        rows = connection.execute(text("SELECT event_id, count(*) AS number FROM ledger GROUP BY event_id"))
        return {row.event_id: row.number for row in rows}
