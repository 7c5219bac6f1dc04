"""The handlers of the tests with real processes: each marks that it ran, then does what the event says."""

import ctypes
import gc
import json
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from handlers import Context, Event, PermanentError, Router

router = Router()

QUICKLY = [0.1, 0.2]


def mark(event: Event, ctx: Context, what: str = "began") -> None:
    line = {
        "event": event.id,
        "handler": ctx.handler,
        "attempt": ctx.attempt,
        "replay": ctx.is_replay,
        "what": what,
        "pid": os.getpid(),
    }
    # One write to a file opened to append: whole lines, in order, even when the process ends at once.
    with Path(os.environ["MARKS"]).open("ab", buffering=0) as file:
        file.write(json.dumps(line).encode() + b"\n")


def loop_in_python() -> None:
    while True:
        pass


def swallow_everything() -> None:
    while True:
        with suppress(BaseException):  # as the worst of handlers does
            time.sleep(60)


def hang_in_c() -> None:
    libc = ctypes.PyDLL(None)  # PyDLL keeps the GIL: no other thread of the process runs
    mutex = ctypes.create_string_buffer(64)
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)  # a sleep would end with the first signal


def segfault() -> None:
    ctypes.string_at(0)


def raising(kind: type[BaseException], message: str = "") -> Callable[[], None]:
    def function() -> None:
        raise kind(message)

    return function


def write_much() -> None:
    print("x" * 100_000)
    print('{"event": "no log line"')
    sys.stderr.write("y" * 100_000 + "\n")
    for number in range(200):
        logging.getLogger("mine").warning("line %d", number)


def use_a_process_pool() -> None:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(abs, [-1, -2, -3]) == [1, 2, 3]


def terminate_a_fork() -> None:
    for _ in range(10):  # the signal may come in the fork's first moment
        fork = multiprocessing.get_context("fork").Process(target=time.sleep, args=(5,))
        fork.start()
        fork.terminate()
        fork.join()
        assert fork.exitcode == -signal.SIGTERM


def interrupt_a_subprocess() -> None:
    with subprocess.Popen(["sleep", "5"]) as program:
        program.send_signal(signal.SIGINT)
        assert program.wait() == -signal.SIGINT


def expect_that_little_is_collected() -> None:
    assert gc.get_freeze_count() > 10 * len(gc.get_objects(generation=2))


BEHAVIOURS: dict[str, Callable[[], None]] = {
    "nothing": lambda: None,
    "loop in Python": loop_in_python,
    "swallow everything": swallow_everything,
    "hang in C": hang_in_c,
    "os._exit": lambda: os._exit(3),
    "sys.exit": lambda: sys.exit(3),
    "segfault": segfault,
    "KeyboardInterrupt": raising(KeyboardInterrupt),
    "SystemExit": raising(SystemExit),
    "GeneratorExit": raising(GeneratorExit),
    "fail": raising(ValueError, "no such agent"),
    "fail for good": raising(PermanentError, "never"),
    "write much": write_much,
    "use a process pool": use_a_process_pool,
    "terminate a fork": terminate_a_fork,
    "interrupt a subprocess": interrupt_a_subprocess,
    "expect that little is collected": expect_that_little_is_collected,
}


def behave(event: Event, ctx: Context) -> None:
    if ctx.attempt in event.data.get("attempts", [ctx.attempt]):
        BEHAVIOURS[event.data.get("do", "nothing")]()


@router.on("case.*", "fragile.*")
def before(event: Event, ctx: Context) -> None:
    mark(event, ctx)


@router.on("case.*", timeout=1.5, backoff=QUICKLY)
def tried_again(event: Event, ctx: Context) -> None:
    mark(event, ctx)
    behave(event, ctx)


@router.on("fragile.*", timeout=1.5, retries=0)
def tried_once(event: Event, ctx: Context) -> None:
    mark(event, ctx)
    behave(event, ctx)


@router.on("case.*", "fragile.*")
def after(event: Event, ctx: Context) -> None:
    mark(event, ctx)


@router.on("slow.*", timeout=60, backoff=QUICKLY)
def slow(event: Event, ctx: Context) -> None:
    mark(event, ctx)
    ends = time.monotonic() + (event.data["seconds"] if ctx.attempt == 1 else 0)
    while time.monotonic() < ends and not Path(os.environ["MARKS"] + ".go").exists():
        time.sleep(0.02)
    mark(event, ctx, "ended")
