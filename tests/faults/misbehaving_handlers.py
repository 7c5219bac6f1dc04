"""Handlers that do to their worker whatever Python lets them do; copied beside the processes under test."""

import asyncio
import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
from sqlalchemy import text

from handlers import Context, Event, Router, fixed
from tests.workers.marking_handlers import BEHAVIOURS, mark

router = Router()

LEAKED: list[bytearray] = []
MIB = 1024 * 1024


class Rubbish:
    """Raises whatever it is asked."""

    def _refuse(self, *_: object) -> bool:
        raise RuntimeError("rubbish")

    __repr__ = __str__ = __eq__ = __bool__ = __len__ = __hash__ = __iter__ = _refuse  # type: ignore[assignment]

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise RuntimeError("rubbish")


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("can't be printed")

    __repr__ = __str__


def raise_unprintable() -> None:
    raise UnprintableError


def raise_at_length() -> None:
    raise ValueError("x" * 5_000_000)


def raise_in_a_circle() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    raise first


def raise_in_a_group() -> None:
    raise BaseExceptionGroup("many", [SystemExit(1), KeyboardInterrupt(), ValueError()])


def recurse() -> None:
    recurse()


def recurse_without_end() -> None:
    sys.setrecursionlimit(2**31 - 1)
    recurse()


def take_the_alarm() -> None:
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.alarm(0)


def leave_threads() -> None:
    threading.excepthook = lambda *_: os.write(2, b"noise\n")
    threading.Thread(target=lambda: time.sleep(3600)).start()
    threading.Thread(target=recurse).start()


def leave_a_loop() -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    threading.Thread(target=loop.run_forever, daemon=True).start()


def forge_time() -> None:
    time.time = time.monotonic = lambda: 0.0
    time.sleep = lambda _: None


def move_away() -> None:
    os.chdir("/")
    os.umask(0o777)
    os.environ["HOOKS_GRACE_SECONDS"] = "rubbish"


def silence() -> None:
    sys.stdout = sys.stderr = None


def trace() -> None:
    sys.settrace(lambda *_: None)
    gc.disable()
    sys.setrecursionlimit(150)


def ignore_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGALRM})


def leave_the_session() -> None:
    with suppress(PermissionError):
        os.setsid()


def kill_the_group() -> None:
    os.killpg(0, signal.SIGKILL)


def kill_the_parent_once() -> None:
    if not Path("killed").exists():
        Path("killed").touch()
        os.kill(os.getppid(), signal.SIGKILL)


def eat_memory() -> None:
    while True:
        LEAKED.append(bytearray(20 * MIB))
        time.sleep(0.02)


def eat_memory_elsewhere() -> None:
    program = f"import time; eaten = bytearray({600 * MIB}); time.sleep(60)"
    subprocess.run([sys.executable, "-c", program], check=True)


def leak_slowly() -> None:
    LEAKED.append(bytearray(60 * MIB))


def close_files() -> None:
    os.closerange(3, 1024)


def close_files_and_open_others() -> None:
    os.closerange(3, 1024)
    for number in range(20):  # these get the numbers of the event log's files
        os.open(f"precious-{number}", os.O_RDWR | os.O_CREAT)
    time.sleep(0.5)


def end_backends() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        )


DOINGS: dict[str, Callable[[], object]] = BEHAVIOURS | {
    "return rubbish": Rubbish,
    "raise what can't be printed": raise_unprintable,
    "raise at length": raise_at_length,
    "raise in a circle": raise_in_a_circle,
    "raise in a group": raise_in_a_group,
    "recurse": recurse,
    "recurse without end": recurse_without_end,
    "take the alarm": take_the_alarm,
    "leave threads": leave_threads,
    "leave a loop": leave_a_loop,
    "forge time": forge_time,
    "move away": move_away,
    "silence": silence,
    "trace": trace,
    "ignore signals": ignore_signals,
    "leave the session": leave_the_session,
    "kill the group": kill_the_group,
    "kill the parent once": kill_the_parent_once,
    "eat memory": eat_memory,
    "eat memory elsewhere": eat_memory_elsewhere,
    "leak slowly": leak_slowly,
    "close files": close_files,
    "close files and open others": close_files_and_open_others,
    "end backends": end_backends,
    "fork": os.fork,
    "fork and raise": lambda: (os.fork(), 1 / 0),
    "abort": os.abort,
    "hang in C": lambda: ctypes.PyDLL(None).pause() or BEHAVIOURS["hang in C"](),
}


@router.on("bad.*", "worse.*")
def before(event: Event, ctx: Context) -> None:
    mark(event, ctx)


@router.on("bad.*", timeout=1.5, retries=1, backoff=fixed(0.1))
def guilty(event: Event, ctx: Context) -> object:
    return _misbehave(event, ctx)


@router.on("worse.*", timeout=3, retries=0)
def guilty_once(event: Event, ctx: Context) -> object:
    return _misbehave(event, ctx)


def _misbehave(event: Event, ctx: Context) -> object:
    mark(event, ctx)
    doing = event.data.get("do", "nothing")
    if doing == "mutate the event":
        event.data.clear()
        event.data["do"] = "something else"
        object.__setattr__(event, "id", "evt_forged")
        object.__setattr__(event, "body", b"forged")
    elif doing == "log at length":
        for length in (10**8, *[10**7] * 9):
            much = "x" * length
            ctx.log.info("much", text=much, rubbish=Rubbish(), **{f"field{n}": n for n in range(1000)})
    else:
        return DOINGS[doing]()
    return None


@router.on("bad.*", "worse.*")
def after(event: Event, ctx: Context) -> None:
    if event.id == "evt_forged" or event.body == b"forged" or event.data.get("do") == "something else":
        raise AssertionError("another handler's event")
    mark(event, ctx)


@router.on("transact.*", timeout=30, retries=3, backoff=fixed(0.1))
def transact(event: Event, ctx: Context) -> None:
    mark(event, ctx)
    doing, first = event.data["do"], ctx.attempt == 1
    with ctx.transaction() as session:
        session.execute(text("INSERT INTO misdeeds (event) VALUES (:event)"), {"event": event.id})
        mark(event, ctx, "inside")
        if doing == "fork":
            os.fork()
        elif doing == "hang in C" and first:
            BEHAVIOURS["hang in C"]()
        elif doing == "close files" and first:
            close_files()
        elif doing == "die inside" and first:
            os.kill(os.getpid(), signal.SIGKILL)
        elif doing == "wait inside":
            _wait(event, ctx)
    mark(event, ctx, "committed")
    if doing == "die outside":
        os.kill(os.getpid(), signal.SIGKILL)
    elif doing == "wait outside":
        _wait(event, ctx)


def _wait(event: Event, ctx: Context) -> None:
    """Wait to be killed, in the first run of all."""
    flag = Path(f"{event.id}-{ctx.replay}-waited")
    if not flag.exists():
        flag.touch()
        time.sleep(20)
