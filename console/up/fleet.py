"""The processes of `hooks up`: started in order, watched, started again, stopped in order."""

import json
import queue
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from console.up.child import Child, Mend
from console.up.display import show, show_log_line

_LOOK_EVERY_SECONDS: Final = 0.1
_STOP_SECONDS: Final = 35.0
_SERVER_STOP_SECONDS: Final = 10.0


class Fleet:
    """Servers, which the processes need, and the processes."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        ready: Callable[[], None],
        each_look: Callable[[], None] = lambda: None,
        queue_workers: Mapping[str, int] = MappingProxyType({}),
        listening: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """`ready` is called when the first of the processes does its work; then `each_look`, often.

        `listening` are sockets that listen already, for the processes of these names.
        """
        self._environment = environment
        self._ready = ready
        self._each_look = each_look
        self._greeted = False
        self._to_start: list[str] = []
        self._queue_workers = queue_workers
        self._listening = listening
        self._queues: set[str] = set()
        self._stops_requested = 0
        self._servers: list[Child] = []
        self._processes: list[Child] = []
        # Lines come from a thread per process and are printed by one, so that they never mix.
        self._lines: queue.SimpleQueue[tuple[Child, str]] = queue.SimpleQueue()

    def add_server(self, name: str, command: Sequence[str], mend: Mend) -> None:
        self._servers.append(Child(name, command, self._environment, self._hear, mend))

    def start_servers(self) -> None:
        for server in self._servers:
            server.is_ready = True
            server.start()

    def start_processes(self, first: str, *others: str) -> None:
        """Start our own processes: the first alone, so that it is ready soon, and then the others."""
        self._start_process(first)
        self._to_start = list(others)

    def _start_process(self, name: str, queue: str | None = None) -> None:
        named = name if queue is None else f"{name}-{queue}"
        number = sum(
            process.name == named or process.name.startswith(f"{named}-") for process in self._processes
        )
        shown = named if number == 0 else f"{named}-{number + 1}"
        command = [sys.executable, "-m", "console", name, *(() if queue is None else ("--queue", queue))]
        listening = self._listening.get(name)
        if listening is not None:
            command += ["--listening", str(listening)]
        inherits = () if listening is None else (listening,)
        process = Child(shown, command, self._environment, self._hear, inherits=inherits)
        self._processes.append(process)
        process.start()

    def _start_workers_of(self, queues: Iterable[str]) -> None:
        """Start workers for the queues that handlers have of their own, once a worker has named them."""
        for name in sorted(set(queues) - self._queues):
            self._queues.add(name)
            for _ in range(self._queue_workers.get(name, 1)):
                self._start_process("worker", name)

    def request_stop(self) -> None:
        """Have `watch` return; asked a second time, nothing is waited for. Safe in a signal handler."""
        self._stops_requested += 1

    def watch(self) -> bool:
        """Print what happens and start again what died, until told to stop.

        Returns whether it ended because a process could not even start; what it said was printed.
        """
        while not self._stops_requested:
            self._print_lines(_LOOK_EVERY_SECONDS)
            if self._greeted:
                self._each_look()
            for child in (*self._servers, *self._processes):
                code = child.exit_code()
                if code is None:
                    continue
                if not child.is_ready and child.gave_up(code):
                    self._print_lines(_LOOK_EVERY_SECONDS)
                    return True
                if done := child.start_again_when_due(code):
                    show(done, word=child.name, colour="yellow")
        return False

    def stop(self) -> None:
        """Stop the processes, then the servers they need."""
        show("stopping", word="hooks")
        self._greeted = True  # a process that gets ready now starts no others any more
        for children, seconds in ((self._processes, _STOP_SECONDS), (self._servers, _SERVER_STOP_SECONDS)):
            self._stop(children, seconds)
        self._print_lines(0)
        show("stopped", word="hooks")

    def _stop(self, children: Sequence[Child], seconds: float) -> None:
        for child in children:
            child.terminate()
        deadline = time.monotonic() + seconds
        while any(child.exit_code() is None for child in children):
            self._print_lines(_LOOK_EVERY_SECONDS)
            if time.monotonic() > deadline or self._stops_requested > 1:
                break
        for child in children:
            child.wait(0)

    def _hear(self, child: Child, line: str) -> None:
        self._lines.put((child, line))

    def _print_lines(self, seconds: float) -> None:
        """Print the lines there are, waiting that long for the first."""
        try:
            while True:
                child, line = self._lines.get(timeout=seconds) if seconds else self._lines.get_nowait()
                seconds = 0
                if '_ready"' in line and self._notes_readiness(child, line):
                    continue
                show_log_line(child.name, line)
        except queue.Empty:
            return

    def _notes_readiness(self, child: Child, line: str) -> bool:
        try:
            said = json.loads(line)
            is_ready = bool(said["event"] == f"{child.name.partition('-')[0]}_ready")
            queues = [str(queue) for queue in said.get("queues", ())] if is_ready else []
        except (ValueError, TypeError, KeyError, AttributeError):
            return False
        if not self._stops_requested:
            self._start_workers_of(queues)
        if child.is_ready:
            return False
        child.is_ready = is_ready
        if is_ready and child is self._processes[0] and not self._greeted:
            self._greeted = True
            for name in self._to_start:
                self._start_process(name)
            self._ready()
        return is_ready and child is self._processes[0]
