"""A whole installation for one test: receivers, workers and a clock, each a process of its own.

Whatever is killed here is started again at once, as an init system would.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from sqlalchemy import func, select

from eventlog.database import EventLog
from eventlog.detail import EventDetail, read_detail
from eventlog.schema import upgrade
from eventlog.states import UNFINISHED
from eventlog.tables import events
from tests.faults.effects import MODULE_NAME, Effects
from tests.faults.stream import SECRET, Stream
from tests.servers.waiting import wait_until
from tests.system.up import environment, free_port
from tests.workers.worksite import Started

LEASE_SECONDS = 3


@dataclass(kw_only=True)
class Member:
    """One process of the installation, through all its lives."""

    command: str
    settings: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    process: Started


class Stage:
    """Starts, breaks and looks at one installation."""

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str,
        redis_url: str,
        **settings: str,
    ) -> None:
        """Settings are environment variables for all processes."""
        self.folder = folder
        self.database_url = database_url
        self.log = EventLog.open(database_url)
        upgrade(self.log)
        self.effects = Effects(folder, self.log)
        self.environment = environment(
            folder,
            **{
                "DATABASE_URL": database_url,
                "REDIS_URL": redis_url,
                "CHAOZCODE_WEBHOOK_SECRET": SECRET,
                "HOOKS_HOST": "127.0.0.1",
                "HOOKS_HOME": str(folder / "home"),
                "HOOKS_HANDLERS": MODULE_NAME,
                "HOOKS_BUILTIN_HANDLERS": "false",
                "HOOKS_LEASE_SECONDS": str(LEASE_SECONDS),
                "HOOKS_GRACE_SECONDS": "5",
                "HOOKS_LOG_FORMAT": "json",
                **settings,
            },
        )
        self.members: list[Member] = []
        self.killed_pids: set[int] = set()
        """Of worker processes that were ended by SIGKILL, or stopped until their lease was over."""
        self.before_kill: Callable[[set[int]], None] = lambda _pids: None
        """Told which worker processes are about to be ended."""
        self._everyone: list[Started] = []

    @property
    def ports(self) -> list[int]:
        return [int(member.settings["PORT"]) for member in self.members if member.command == "receiver"]

    def start(
        self, *, receivers: int = 1, workers: int = 1, clocks: int = 1, lanes: Sequence[str] = ()
    ) -> None:
        """Start the installation, and wait until every process is ready; `lanes` get a worker each."""
        commands = ["receiver"] * receivers + ["worker"] * workers + ["clock"] * clocks
        begun = [self._begin(command) for command in commands]
        for member in [*begun, *(self._begin("worker", "--queue", lane) for lane in lanes)]:
            member.process.wait_for(f"{member.command}_ready", deadline_seconds=60)

    def add(self, command: str, *arguments: str) -> Member:
        """Start one process more, and wait until it is ready."""
        member = self._begin(command, *arguments)
        member.process.wait_for(f"{command}_ready", deadline_seconds=60)
        return member

    def _begin(self, command: str, *arguments: str) -> Member:
        settings = {"PORT": str(free_port())} if command == "receiver" else {}
        process = self._launch(command, settings, arguments)
        member = Member(command=command, settings=settings, arguments=arguments, process=process)
        self.members.append(member)
        return member

    def _launch(self, command: str, settings: dict[str, str], arguments: tuple[str, ...]) -> Started:
        name = f"{command}-{len(self._everyone)}"
        started = Started(name, self.environment | settings, self.folder, None, arguments)
        self._everyone.append(started)
        return started

    def of(self, command: str) -> list[Member]:
        return [member for member in self.members if member.command == command]

    def kill(self, member: Member, *, with_children: bool = True) -> None:
        """End a process by SIGKILL, with its children or without; and start it again at once."""
        self._kill(member, with_children=with_children)
        self._start_again(member)

    def kill_all(self) -> None:
        """End every process at one moment, as a power cut would, and start all of them again."""
        for member in self.members:
            self._kill(member, with_children=True)
        for member in self.members:
            self._start_again(member)

    def kill_pid(self, pid: int) -> int:
        """End one worker process by SIGKILL, if it lives. Gives how many ended."""
        try:
            process = psutil.Process(pid)
        except psutil.NoSuchProcess:
            return 0
        self._note_kills([process])
        return int(_kill_process(process))

    def kill_child(self, member: Member) -> int:
        """End a worker's child by SIGKILL, if it lives; its parent starts another. Gives how many ended."""
        below = _below(member.process.pid)
        self._note_kills(below)
        return sum(map(_kill_process, below))

    def _kill(self, member: Member, *, with_children: bool) -> None:
        below = _below(member.process.pid)
        self._note_kills(below)
        member.process.kill()
        if with_children:
            for process in below:
                _kill_process(process)

    def _note_kills(self, processes: Sequence[psutil.Process]) -> None:
        pids = {process.pid for process in processes}
        self.killed_pids |= pids
        self.before_kill(pids)

    def _start_again(self, member: Member) -> None:
        # Under its lock of the port, a receiver's orphaned children may still listen for a moment.
        member.process = self._launch(member.command, member.settings, member.arguments)

    def keep_alive(self) -> None:
        """Start again what ended by itself, as an init system would."""
        for member in self.members:
            if not member.process.is_running():
                self._start_again(member)

    def wait_until_settled(self, ids: list[str], deadline_seconds: float = 60) -> None:
        """Wait until nothing in the log is unfinished; the ids are those that have to be there."""

        def unfinished() -> int:
            self.keep_alive()
            with self.log.read() as connection:
                query = select(func.count()).where(events.c.state.in_(UNFINISHED))
                return int(connection.execute(query).scalar_one())

        try:
            wait_until(lambda: unfinished() == 0, deadline_seconds, every_seconds=0.1)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.states()}\n{self.last_words()}") from None
        assert sum(self.states().values()) >= len(set(ids))

    def settled(self, event_id: str) -> bool:
        with self.log.read() as connection:
            state = connection.execute(select(events.c.state).where(events.c.id == event_id)).scalar_one()
        return state not in UNFINISHED

    def story(self, event_id: str) -> EventDetail:
        """Give all that the log knows of an event."""
        found = read_detail(self.log, event_id)
        assert found is not None
        return found

    def states(self) -> dict[str, int]:
        with self.log.read() as connection:
            query = select(events.c.state, func.count()).group_by(events.c.state)
            return {str(state): number for state, number in connection.execute(query)}

    def assert_promise_kept(self, acknowledged: list[str]) -> None:
        """Compare what was acknowledged with what was settled, and with what the handlers did."""
        with self.log.read() as connection:
            rows = connection.execute(select(events.c.id, events.c.state))
            stored = {row.id: str(row.state) for row in rows}
        assert set(acknowledged) <= set(stored), "acknowledged, and not in the log"
        assert Counter(stored.values()) == {"done": len(stored)}
        marks = self.effects.marks()
        assert {mark.event for mark in marks if mark.handler == "mark"} == set(stored)
        assert self.effects.ledger() == dict.fromkeys(stored, 1), "the log's own transaction, exactly once"
        for key, pids in self._pids_by_call().items():
            if key[1] == "write_ledger":
                continue  # called again after a commit that failed; its rows were counted above
            assert len(pids) == len(set(pids)), f"{key} ran twice in one process\n{self.last_words()}"
            strangers = set(pids[:-1]) - self.killed_pids
            assert not strangers, f"{key} ran again, and nobody killed {strangers}\n{self.last_words()}"

    def _pids_by_call(self) -> dict[tuple[str, str, int], list[int]]:
        """Give the processes that made each call (one attempt at a delivery), in order."""
        calls: dict[tuple[str, str, int], list[int]] = {}
        for mark in self.effects.marks():
            calls.setdefault((mark.event, mark.handler, mark.attempt), []).append(mark.pid)
        return calls

    def repeats(self) -> int:
        """Count the calls that were made more than once for one attempt."""
        return sum(len(pids) - 1 for pids in self._pids_by_call().values())

    def assert_no_traceback(self) -> None:
        """Look through everything that the processes wrote: a fault is told in a line, not in a traceback."""
        for started in self._everyone:
            assert "Traceback" not in started.last_words(), started.last_words()

    def last_words(self) -> str:
        return "\n".join(
            f"--- {started.output.name}\n{started.last_words()}" for started in self._everyone[-8:]
        )

    def close(self) -> None:
        below = [process for started in self._everyone for process in _below(started.pid)]
        for started in self._everyone:
            started.end()
        for process in below:
            if process.is_running():
                process.kill()
        self.log.close()


def _kill_process(process: psutil.Process) -> bool:
    """End it by SIGKILL, unless it ended by itself at that moment."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True


def _below(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@contextmanager
def stage(folder: Path, *, database_url: str, redis_url: str, **settings: str) -> Iterator[Stage]:
    """Give an installation that is not started yet, and end all of it afterwards."""
    made = Stage(folder, database_url=database_url, redis_url=redis_url, **settings)
    try:
        yield made
    finally:
        made.close()


__all__ = ["Member", "Stage", "Stream", "stage"]
