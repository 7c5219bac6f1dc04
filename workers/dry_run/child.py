"""The process of a dry run: takes trials from its standard input, and says what came of them."""

import os
import sys
import threading
from collections.abc import Callable
from time import sleep
from typing import BinaryIO, Final

from clients.settings import ApiSettings
from eventlog.database import EventLog
from eventlog.replays import read_replays
from eventlog.schema import check_schema
from eventlog.settings import LogSettings
from eventlog.stored_event import read_event
from handlers.discovery import discover
from handlers.settings import HandlerSettings
from workers.dry_run.messages import Began, KillAt, Ready, Said, line_of, read_trial
from workers.dry_run.trial import Trier
from workers.settings import WorkerSettings
from workers.surroundings import Surroundings
from workers.timer import HandlerTimer

_LOOK_FOR_PARENT_SECONDS: Final = 0.5


def serve(descriptor: int) -> None:
    """Run the trials that come in until none comes any more; findings go to the file descriptor.

    Raises `HandlerError`, `LogError` before the first one, when that can't work.
    """
    os.set_inheritable(descriptor, False)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    say = _speaker(descriptor)
    trials = _taken_over_input()
    log = EventLog.open(LogSettings().url)
    check_schema(log)
    handlers = {handler.name: handler for handler in discover(HandlerSettings()).handlers}
    newest = read_replays(log, limit=1)
    trier = Trier(
        log,
        HandlerTimer(),
        Surroundings(descriptor),
        lambda kill_at: say(KillAt(monotonic=kill_at)),
        transaction_seconds=WorkerSettings().transaction_seconds,
        replay=newest[0].id + 1 if newest else 1,
        api_settings=ApiSettings(),
    )
    say(Ready())
    for line in trials:
        trial = read_trial(line)
        say(Began())
        event = read_event(log, trial.event_id)
        assert event is not None  # noqa: S101 - events are never removed
        say(trier.run(handlers[trial.handler], event))
    log.close()


def _end_with(parent: int) -> None:
    # Nobody else is left to end a handler that hangs, on SQLite in a transaction that all others wait for.
    while os.getppid() == parent:
        sleep(_LOOK_FOR_PARENT_SECONDS)
    os._exit(1)


def _speaker(descriptor: int) -> Callable[[Said], None]:
    def say(message: Said) -> None:
        left = memoryview(line_of(message))
        while left:
            left = left[os.write(descriptor, left) :]

    return say


def _taken_over_input() -> BinaryIO:
    """Keep the standard input to ourselves: a handler that reads it finds it empty."""
    own = os.dup(sys.stdin.fileno())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    return os.fdopen(own, "rb")
