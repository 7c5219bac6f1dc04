"""What a replay would do, in words: how many events, which, and which handlers run."""

from collections.abc import Mapping, Sequence
from typing import Any

from console.rendering import iso_time, local_time, show, show_json, state_text, table
from console.replay_report import counted
from eventlog.replay_preview import Preview
from eventlog.replays import COUNT_LIMIT

Handlers = Mapping[str, Sequence[str]]
"""Handlers' names with the patterns of types that they listen for."""


def count_words(found: Preview, handlers: Handlers, *, only_failed: bool) -> str:
    words = f"{_up_to_limit(found.selected)} {'matches' if found.selected == 1 else 'match'}"
    if found.wanted == found.selected:
        return f"{words}."
    which = f"the handler {next(iter(handlers))}" if len(handlers) == 1 else "a handler"
    condition = f"{which} whose last run ended dead" if only_failed else f"{which} for their type"
    number = "none" if not found.wanted else _up_to_limit(found.wanted)
    return f"{words}; {number} with {condition}."


def _up_to_limit(number: int) -> str:
    if number > COUNT_LIMIT:
        return f"more than {COUNT_LIMIT:,} events"
    return counted(number, "event", "events")


def show_plan(found: Preview, handlers: Handlers, *, as_json: bool) -> None:
    if as_json:
        listed = [
            {
                "id": event.id,
                "type": event.type,
                "state": event.state.value,
                "received_at": iso_time(event.received_at),
            }
            for event in found.first
        ]
        plan: dict[str, Any] = {"replay": None, "events": found.wanted, "listed": listed}
        show_json(plan | {"handlers": {name: list(patterns) for name, patterns in handlers.items()}})
        return
    if found.first:
        rows = [
            (event.id, event.type, state_text(event.state), local_time(event.received_at))
            for event in found.first
        ]
        show(table(("event", "type", "state", "received"), rows))
        if found.wanted > len(rows):
            rest = found.wanted - len(rows)
            show(f"and {'over ' if found.wanted > COUNT_LIMIT else ''}{rest:,} more")
        show("Handlers, each for its types:")
        show(table(("handler", "types"), [(name, ", ".join(types)) for name, types in handlers.items()]))
    show("A dry run: nothing was changed.")
