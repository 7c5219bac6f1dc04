"""A worker and a clock as real processes, on a real log and a real queue, with handlers that leave marks."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import select

from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.detail import Delivery, EventDetail, read_detail
from eventlog.event import Event
from eventlog.schema import upgrade
from eventlog.states import UNFINISHED, State
from eventlog.tables import events
from tests.servers.waiting import wait_until
from workers.queue.redis_queue import EventQueue

CHECKOUT = Path(__file__).parents[2]
HANDLERS = Path(__file__).with_name("marking_handlers.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One line that a handler left: it began, or it ended."""

    event: str
    handler: str
    attempt: int
    replay: bool
    what: str
    pid: int


class Started:
    """One process under test, with all that it wrote."""

    def __init__(
        self,
        name: str,
        environment: dict[str, str],
        folder: Path,
        stdout: int | None,
        arguments: Sequence[str] = (),
    ) -> None:
        self.output = folder / f"{name}.out"
        self.errors = folder / f"{name}.err"
        with self.output.open("wb") as output, self.errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "console", name.partition("-")[0], *arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output if stdout is None else stdout,
                stderr=errors,
                start_new_session=True,
            )
        self._children: set[int] = set()

    @property
    def pid(self) -> int:
        return self._process.pid

    def children(self) -> set[int]:
        """Give the pids of the children that live now."""
        try:
            living = {child.pid for child in psutil.Process(self.pid).children()}
        except psutil.NoSuchProcess:
            living = set()
        self._children |= living
        return living

    def logged(self, verb: str) -> list[dict[str, Any]]:
        """Give the log lines of this verb, as the process wrote them; what is no log line is left out."""
        found = []
        for line in self.output.read_text(errors="replace").splitlines():
            if line.startswith("{") and f'"{verb}"' in line:
                fields = json.loads(line)
                if fields.get("event") == verb:
                    found.append(fields)
        return found

    def wait_for(self, verb: str, times: int = 1, deadline_seconds: float = 60) -> list[dict[str, Any]]:
        def lines() -> list[dict[str, Any]]:
            if self._process.poll() is not None:
                raise AssertionError(f"ended with {self._process.returncode}: {self.last_words()}")
            found = self.logged(verb)
            return found if len(found) >= times else []

        return wait_until(lines, deadline_seconds)

    def is_running(self) -> bool:
        return self._process.poll() is None

    def terminate(self) -> None:
        self.children()
        self._process.terminate()

    def kill(self) -> None:
        """End it with SIGKILL, its children not."""
        self.children()
        self._process.kill()
        self._process.wait()

    def wait(self, timeout_seconds: float = 15) -> int:
        return self._process.wait(timeout_seconds)

    def last_words(self) -> str:
        return (self.output.read_text(errors="replace") + self.errors.read_text(errors="replace"))[-3000:]

    def end(self) -> None:
        """End it and its children, whatever they are at."""
        if self.is_running():
            self.kill()
        for pid in self._children:
            if is_ours(pid):
                os.kill(pid, signal.SIGKILL)


def is_ours(pid: int) -> bool:
    """Tell whether a worker's child lives under this pid."""
    try:
        # A zombie has none, where it does not raise.
        return "console.worker_child" in psutil.Process(pid).cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


class Site:
    """Everything around the processes of one test."""

    def __init__(self, folder: Path, database_url: str, redis_url: str, **settings: str) -> None:
        self.folder = folder
        self.log = EventLog.open(database_url)
        upgrade(self.log)
        self.queue = EventQueue.connect(redis_url)
        shutil.copy(HANDLERS, folder)
        self.marks_file = folder / "marks"
        self.marks_file.touch()
        self._started: list[Started] = []
        self._count: Counter[str] = Counter()
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("HOOKS_") and name not in ("DATABASE_URL", "REDIS_URL")
        }
        self.environment = inherited | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "HOOKS_HOME": str(folder / "home"),
            "HOOKS_HANDLERS": "marking_handlers",
            "HOOKS_BUILTIN_HANDLERS": "false",
            "HOOKS_LOG_FORMAT": "json",
            "PYTHONPATH": str(CHECKOUT),
            "MARKS": str(self.marks_file),
            **settings,
        }

    def start(self, command: str, *, stdout: int | None = None, **settings: str) -> Started:
        name = f"{command}-{len(self._started)}"
        started = Started(name, self.environment | settings, self.folder, stdout)
        self._started.append(started)
        return started

    def worker(self, **settings: str) -> Started:
        """Start a worker and wait until it takes jobs."""
        started = self.start("worker", stdout=None, **settings)
        started.wait_for("worker_ready")
        return started

    def clock(self) -> Started:
        started = self.start("clock")
        started.wait_for("clock_ready")
        return started

    def new_ids(self, name: str, number: int) -> list[str]:
        self._count[name] += 1
        return [f"evt_{name}_{self._count[name]}_{place}" for place in range(number)]

    def accept(self, event_type: str, *behaviours: dict[str, Any], name: str = "e") -> list[str]:
        """Store one event for each behaviour, in order; gives their ids."""
        ids = self.new_ids(name, len(behaviours))
        accepted = [
            Event(
                id=event_id,
                type=event_type,
                received_at=datetime.now(UTC),
                body=json.dumps({"id": event_id, "type": event_type, "data": behaviour}).encode(),
            )
            for event_id, behaviour in zip(ids, behaviours, strict=True)
        ]
        for event in accepted:
            record(self.log, [event])
        return ids

    def send(self, event_type: str, *behaviours: dict[str, Any], name: str = "e") -> list[str]:
        """Store events, and send one job for all of them."""
        ids = self.accept(event_type, *behaviours, name=name)
        self.queue.send(ids)
        return ids

    def detail(self, event_id: str) -> EventDetail:
        found = read_detail(self.log, event_id)
        assert found is not None
        return found

    def states(self, ids: Iterable[str]) -> list[State]:
        wanted = list(ids)
        with self.log.read() as connection:
            query = select(events.c.id, events.c.state).where(events.c.id.in_(wanted))
            found = {row.id: State(row.state) for row in connection.execute(query)}
        return [found[event_id] for event_id in wanted]

    def delivery(self, event_id: str, handler: str, replay: int = 0) -> Delivery:
        (found,) = (
            one for one in self.detail(event_id).deliveries if one.handler == handler and one.replay == replay
        )
        return found

    def wait_until_settled(self, ids: Iterable[str], deadline_seconds: float = 15) -> list[State]:
        """Wait until every event is finished; gives their states."""
        wanted = list(ids)

        def settled() -> bool:
            return not any(state in UNFINISHED for state in self.states(wanted))

        try:
            wait_until(settled, deadline_seconds)
        except AssertionError as late:
            words = "\n".join(started.last_words() for started in self._started)
            raise AssertionError(f"{late}: {self.states(wanted)}\n{words}") from None
        return self.states(wanted)

    def marks(self, event_id: str, handler: str | None = None, what: str = "began") -> list[Mark]:
        lines = self.marks_file.read_text().splitlines()
        found = [Mark(**json.loads(line)) for line in lines]
        return [
            mark
            for mark in found
            if mark.event == event_id and mark.what == what and handler in (None, mark.handler)
        ]

    def wait_for_mark(self, event_id: str, handler: str | None = None, what: str = "began") -> Mark:
        return wait_until(lambda: self.marks(event_id, handler, what))[0]

    def let_slow_handlers_end(self) -> None:
        self.marks_file.with_name("marks.go").touch()

    def let_slow_handlers_begin(self) -> None:
        self.marks_file.with_name("marks.go").unlink()

    def close(self) -> None:
        for started in self._started:
            started.end()
        self.queue.close()
        self.log.close()
