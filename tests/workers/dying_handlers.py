"""The handlers of the kill windows: each has one effect, and dies once where its event says.

`dies` of the event's data is where, and `kills` whether the whole worker goes or its child only. The world
outside is a file; a line of it is one effect.
"""

import os
import signal
import threading
from pathlib import Path

from sqlalchemy import Connection, Engine, event, text

from handlers import Context, Event, Router

router = Router()
ASIDE = Path(os.environ["MARKS"])
SOON = [0.1, 0.1, 0.1]

_AT_THE_NEXT_COMMIT: list[tuple[Event, bool]] = []


def act(what: Event, line: str) -> None:
    """Have an effect."""
    with ASIDE.with_name(f"effects of {what.id}").open("ab", buffering=0) as file:
        file.write(f"{line}\n".encode())


def die(what: Event) -> None:
    try:
        ASIDE.with_name(f"death of {what.id}").touch(exist_ok=False)
    except FileExistsError:
        return
    if what.data["kills"] == "worker":
        os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def at(what: Event, place: str) -> None:
    if what.data["dies"] == place:
        die(what)


def at_the_next_commit(what: Event, place: str, *, of_the_handler: bool) -> None:
    """Die before the next commit, of the handler itself or of the thread that records outcomes."""
    if what.data["dies"] == place:
        _AT_THE_NEXT_COMMIT.append((what, of_the_handler))


@event.listens_for(Engine, "commit")
def _commit(_connection: Connection) -> None:
    is_handlers = threading.current_thread() is threading.main_thread()
    for what, of_the_handler in _AT_THE_NEXT_COMMIT:
        if of_the_handler is is_handlers:
            die(what)


@router.on("plain.*", backoff=SOON)
def plain(what: Event, ctx: Context) -> None:
    at(what, "before the effect")
    act(what, "taken")
    at(what, "after the effect")
    at_the_next_commit(what, "before the outcome is on record", of_the_handler=False)


@router.on("once.*", backoff=SOON)
def once(what: Event, ctx: Context) -> None:
    def step() -> str:
        at(what, "in the step, before its effect")
        act(what, "taken")
        at(what, "after the effect, before the record")
        at_the_next_commit(what, "in the record, before its commit", of_the_handler=True)
        return "the answer"

    at(what, "before the step")
    answer = ctx.once("act", step)
    assert answer == "the answer"
    at(what, "after the record")
    at_the_next_commit(what, "before the outcome is on record", of_the_handler=False)


@router.on("key.*", backoff=SOON)
def key(what: Event, ctx: Context) -> None:
    at(what, "before the effect")
    act(what, ctx.idempotency_key("act"))
    at(what, "after the effect")
    at_the_next_commit(what, "before the outcome is on record", of_the_handler=False)


@router.on("transaction.*", backoff=SOON)
def transaction(what: Event, ctx: Context) -> None:
    act(what, "called")
    at(what, "before the block")
    with ctx.transaction() as session:
        session.execute(text("INSERT INTO kept (event_id) VALUES (:id)"), {"id": what.id})
        at(what, "in the block")
        at_the_next_commit(what, "at its commit", of_the_handler=True)
    at(what, "after its commit")
    at_the_next_commit(what, "before the event is closed", of_the_handler=False)
