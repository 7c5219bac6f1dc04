"""What a replay would do, in words: how many events, which, and which handlers run."""

from collections.abc import Mapping, Sequence

from console.rendering import iso_time, local_time, show, show_json, state_text, table
from console.replay_report import counted
from console.visible import visible_line
from eventlog.last_run import PREFIX_DIGITS, LastRun
from eventlog.replay_preview import Preview, PreviewedEvent
from eventlog.replays import COUNT_LIMIT
from handlers.pattern import matches

Handlers = Mapping[str, Sequence[str]]
"""Handlers' names with the patterns of types that they listen for."""


def count_words(found: Preview, handlers: Handlers, *, only_failed: bool) -> str:
    if found.deliveries is not None:
        match = "matches" if found.deliveries == 1 else "match"
        return f"{_deliveries(found)} of {_up_to_limit(found.selected)} {match}."
    words = f"{_up_to_limit(found.selected)} {'matches' if found.selected == 1 else 'match'}"
    if found.wanted == found.selected:
        return f"{words}."
    which = f"the handler {next(iter(handlers))}" if len(handlers) == 1 else "a handler"
    condition = f"{which} whose last run ended dead" if only_failed else f"{which} for their type"
    number = "none" if not found.wanted else _up_to_limit(found.wanted)
    return f"{words}; {number} with {condition}."


def nothing_by_version(found: Preview, last_run: LastRun | None) -> str | None:
    """Word that no last run was by the version that was asked for: a misspelt one looks the same."""
    if found.wanted or last_run is None or last_run.version is None:
        return None
    given = visible_line(last_run.version)
    return (
        f"A handler's last run must have been by {given!r}: the whole name of a release, or {PREFIX_DIGITS} "
        "digits or more of a version. Both are shown by: hooks events show ID, hooks failures list"
    )


def _deliveries(found: Preview) -> str:
    if found.selected > COUNT_LIMIT:
        return "deliveries"
    return counted(found.deliveries or 0, "delivery", "deliveries")


def _up_to_limit(number: int) -> str:
    if number > COUNT_LIMIT:
        return f"more than {COUNT_LIMIT:,} events"
    return counted(number, "event", "events")


def show_plan(found: Preview, handlers: Handlers, *, as_json: bool) -> None:
    """List the first of the events, each with the handlers that are registered for its type."""
    if as_json:
        listed = [
            {
                "id": event.id,
                "type": event.type,
                "state": event.state.value,
                "received_at": iso_time(event.received_at),
                "handlers": _to_run(handlers, event),
            }
            for event in found.first
        ]
        show_json({"replay": None, "events": found.wanted, "listed": listed})
        return
    if found.first:
        rows = [
            (
                event.id,
                event.type,
                state_text(event.state),
                local_time(event.received_at),
                ", ".join(_to_run(handlers, event)),
            )
            for event in found.first
        ]
        show(table(("event", "type", "state", "received", "handlers"), rows))
        rest = min(found.wanted, COUNT_LIMIT) - len(rows)
        if rest:
            show(f"and {'over ' if found.wanted > COUNT_LIMIT else ''}{rest:,} more")
    show("A dry run: nothing was changed.")


def _to_run(handlers: Handlers, event: PreviewedEvent) -> list[str]:
    return _listening(handlers, event.type) if event.handlers is None else list(event.handlers)


def _listening(handlers: Handlers, event_type: str) -> list[str]:
    return [
        name
        for name, patterns in handlers.items()
        if any(matches(pattern, event_type) for pattern in patterns)
    ]
