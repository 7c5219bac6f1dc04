"""Show events as they arrive, and miss none, also when the log is away for a while."""

import time
from typing import Final

import click
from rich.text import Text

from console.events import as_json
from console.rendering import local_time, show, show_json, state_text
from console.visible import visible_line
from eventlog.database import EventLog
from eventlog.errors import LogUnavailable
from eventlog.listing import Arrivals, ListedEvent, read_arrivals, read_latest
from eventlog.selection import Selection

_POLL_SECONDS: Final = 0.5
_AT_ONCE: Final = 200


def follow(log: EventLog, selection: Selection, *, limit: int, as_json_lines: bool) -> None:
    """Show the newest events, then each that arrives; ends with Ctrl-C."""
    after: int | None = None
    is_away = False
    try:
        while True:
            try:
                arrivals = _read(log, selection, after, limit)
            except LogUnavailable as error:
                if not is_away:
                    click.echo(f"hooks: {error}; waiting for it to come back", err=True)
                is_away = True
                time.sleep(_POLL_SECONDS)
                continue
            is_away = False
            for event in arrivals.events:
                _show(event, as_json_lines=as_json_lines)
            after = arrivals.cursor
            if not arrivals.more:
                time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        return


def _read(log: EventLog, selection: Selection, after: int | None, limit: int) -> Arrivals:
    if after is None:
        return read_latest(log, selection, limit=limit)
    return read_arrivals(log, selection, after=after, limit=_AT_ONCE)


def _show(event: ListedEvent, *, as_json_lines: bool) -> None:
    if as_json_lines:
        show_json(as_json.listed(event), indent=None)
        return
    fields = [event.id.ljust(20), event.type.ljust(16), event.subject or "", event.state.value]
    line = "  ".join(visible_line(field) for field in fields[:3] if field)
    show(Text.assemble(local_time(event.received_at), "  ", line, "  ", state_text(event.state)))
