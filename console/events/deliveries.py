"""What the commands that change an event's deliveries have in common."""

import shlex
from typing import Any, NoReturn

import click

from console.rendering import iso_time
from console.visible import visible_line
from eventlog.hold import ORIGINAL_RUN
from eventlog.locked_event import LockedEvent, Standing
from eventlog.states import State


def fail_unknown(event_id: str) -> NoReturn:
    raise click.ClickException(
        f"there is no event {visible_line(event_id)!r}; the newest are shown by: hooks events list"
    )


def require_handler(event: LockedEvent, event_id: str, handler: str | None) -> None:
    """End the command where the event was never delivered to the handler that was named."""
    if handler is None or handler in event.handlers:
        return
    known = ", ".join(map(visible_line, event.handlers)) or "none yet"
    raise click.ClickException(
        f"event {visible_line(event_id)!r} has no delivery to a handler {visible_line(handler)!r};"
        f" it has deliveries to: {known}"
    )


def name_of(delivery: Standing) -> str:
    where = "" if delivery.replay == ORIGINAL_RUN else f" (replay {delivery.replay})"
    return f"{visible_line(delivery.handler)}{where}"


def replay_command(event_id: str, handler: str | None = None, *, only_failed: bool = False) -> str:
    words = ["hooks", "replay", event_id]
    words += ["--only-failed"] if only_failed else []
    words += [] if handler is None else ["--handler", handler]
    return visible_line(shlex.join(words))


def show_command(event_id: str) -> str:
    return visible_line(shlex.join(["hooks", "events", "show", event_id]))


def as_json(delivery: Standing, state: State) -> dict[str, Any]:
    return {
        "handler": delivery.handler,
        "replay": delivery.replay,
        "state": state.value,
        "due_at": iso_time(delivery.due_at),
    }
