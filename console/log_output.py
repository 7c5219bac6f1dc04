"""Where log lines go: to standard output, by a thread that does nothing else.

What is told while all goes well is made and put out a moment later, all together: that costs a fraction, and
lets no other thread in between. Warnings and errors come at once, as they may be a process's last words.
Whoever reads standard output may stop reading: then the thread hangs, and nobody else does.
"""

import atexit
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from logging import Handler, LogRecord
from multiprocessing import parent_process
from multiprocessing.util import Finalize
from queue import Empty, SimpleQueue
from typing import Final

HELD_LINES: Final = 50_000
"""So many may wait to be put out. Past it the oldest go: what was told last, operators need most."""

_GATHER_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 0.1
_LAST_PATIENCE_SECONDS: Final = 2.0
"""At a process's end: what its reader has not taken by then is lost."""
_LINES_AT_ONCE: Final = 1_000
_LAST: Final = -1

Line = str | Callable[[], str]
"""What is to be put out, or how it is made then."""


class LogOutput:
    """Standard output of this process, and the thread that writes to it.

    Signal handlers log too, whatever they interrupted: nothing in here waits for a lock that they may hold.
    """

    def __init__(self, lines_lost: Callable[[int], str]) -> None:
        """`lines_lost` makes the line that stands where so many others should."""
        self._lines_lost = lines_lost
        self._lines: deque[Line] = deque()
        self._lost = 0
        self._losing = threading.RLock()
        self._calls: SimpleQueue[threading.Lock | None] = SimpleQueue()
        self._is_called = False
        self._hangs = False
        self._has_thread = True
        self._putting_out = threading.Lock()
        self._forking_thread = 0
        # What is not written yet must not be in two processes; and a thread does not survive a fork.
        os.register_at_fork(
            before=self._before_fork,
            after_in_parent=self._after_fork_in_parent,
            after_in_child=self._after_fork_in_child,
        )
        if parent_process() is None:
            atexit.register(self._put_out_last_words)
        else:  # one of multiprocessing's, as granian's are, may run no exit handlers but these
            Finalize(None, self._put_out_last_words, exitpriority=_LAST)
        threading.Thread(target=self._put_out_when_called, name="log output", daemon=True).start()

    def write(self, line: Line, *, at_once: bool) -> None:
        self._lines.append(line)
        if len(self._lines) > HELD_LINES:
            self._make_room()
        if at_once or not self._has_thread:
            self._flush()
        elif not self._is_called:
            self._call()

    def _flush(self) -> None:
        """Have all that is there put out, and wait a moment for that unless the last wait was in vain."""
        if not self._has_thread:
            self._put_out_held()
        elif not self._hangs:
            self._wait_for_flush(_PATIENCE_SECONDS)
        elif not self._is_called:
            self._call()

    def _call(self) -> None:
        self._is_called = True
        self._calls.put(None)

    def _wait_for_flush(self, seconds: float) -> None:
        is_put_out = threading.Lock()
        is_put_out.acquire()
        self._calls.put(is_put_out)
        if not is_put_out.acquire(timeout=seconds):
            self._hangs = True

    def _put_out_when_called(self) -> None:
        while True:
            calls = [self._calls.get()]
            if calls == [None]:  # nobody waits, unless someone comes meanwhile
                with suppress(Empty):
                    calls.append(self._calls.get(timeout=_GATHER_SECONDS))
            while not self._calls.empty():
                calls.append(self._calls.get())
            self._is_called = False
            self._put_out_held()
            for waiting in calls:
                if waiting is not None:
                    waiting.release()

    def _put_out_held(self) -> None:
        # No more than there are now: others may add to them for ever.
        for _ in range(0, len(self._lines), _LINES_AT_ONCE):
            # Without the thread, a signal handler may have interrupted whoever holds it.
            if not self._putting_out.acquire(timeout=-1 if self._has_thread else _PATIENCE_SECONDS):
                return
            try:
                self._put_out_next()
            finally:
                self._putting_out.release()
            self._hangs = False

    def _put_out_next(self) -> None:
        with self._losing:
            lost, self._lost = self._lost, 0
            lines = [self._lines.popleft() for _ in range(min(len(self._lines), _LINES_AT_ONCE))]
        try:
            texts = [line if isinstance(line, str) else line() for line in lines]
            _put_out([self._lines_lost(lost), *texts] if lost else texts)
        except Exception:  # noqa: BLE001 - its reader may be gone, or the disk full: work goes on, unheard
            with self._losing:
                self._lost += lost + len(lines)

    def _make_room(self) -> None:
        self._flush()  # it may only be slower than whoever logs
        with self._losing:
            while len(self._lines) > HELD_LINES:
                self._lines.popleft()
                self._lost += 1

    def _put_out_last_words(self) -> None:
        if self._has_thread:
            self._hangs = False
            self._wait_for_flush(_LAST_PATIENCE_SECONDS)
            self._has_thread = self._hangs  # it ends any moment; what is logged yet must not wait for it
        else:
            self._put_out_held()

    def _before_fork(self) -> None:
        self._flush()
        if self._putting_out.acquire(timeout=0 if self._hangs else _PATIENCE_SECONDS):
            self._forking_thread = threading.get_ident()

    def _after_fork_in_parent(self) -> None:
        if self._forking_thread == threading.get_ident():  # others may fork meanwhile, and hold nothing
            self._forking_thread = 0
            self._putting_out.release()

    def _after_fork_in_child(self) -> None:
        self._lines = deque()
        self._lost = 0
        self._forking_thread = 0
        self._has_thread = False
        self._putting_out = threading.Lock()
        self._losing = threading.RLock()


def _put_out(lines: list[str]) -> None:
    stream = sys.__stdout__  # a handler may have set sys.stdout to something else
    if stream is None:
        return
    stream.flush()  # what was printed before comes before
    text = "".join(f"{line}\n" for line in lines)
    # One character, of a handler's perhaps, must not cost the lines beside it.
    rest = memoryview(text.encode(stream.encoding, "backslashreplace"))
    # Past the stream's buffer: its lock, held while this hangs, would stop a process that ends.
    while rest:
        rest = rest[os.write(stream.fileno(), rest) :]


@dataclass(frozen=True, slots=True)
class LogLine:
    """What structlog hands the lines of one logger to."""

    name: str
    output: LogOutput

    def info(self, message: Line) -> None:
        self.output.write(message, at_once=False)

    def warning(self, message: Line) -> None:
        self.output.write(message, at_once=True)

    debug = info
    msg = error = critical = exception = warning


class LibraryLines(Handler):
    """What Python's own logging hands the lines of libraries to."""

    def __init__(self, output: LogOutput) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - a library's mistake in a line of its own must not stop its caller
            self.handleError(record)
        else:
            self._output.write(line, at_once=True)
