"""What people and machines are shown: safe text, local times, tables, JSON.

Stored data may hold anything that a sender or a handler wrote: nothing of it reaches a terminal as it is.
"""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from console.visible import visible_line
from eventlog.states import State

_STYLES: Final = {
    State.DONE: "green",
    State.DEAD: "red",
    State.WAITING: "yellow",
    State.PARKED: "yellow",
    State.THROTTLED: "yellow",
    State.RESOLVED: "green",
    State.RUNNING: "cyan",
    State.QUEUED: "cyan",
    State.UNHANDLED: "dim",
    State.SKIPPED: "dim",
}
_GAP: Final = 2
_NARROWEST: Final = 8
"""What a column that wraps is left, at least."""
_PIPE_WIDTH: Final = 4000
"""For what is no terminal: wide enough that nothing is ever folded."""


def local_time(moment: datetime, *, now: datetime | None = None) -> str:
    """Write a point in time for people: local, and without the date where it is today's."""
    here = moment.astimezone()
    today = (now or datetime.now(UTC)).astimezone().date()
    return here.strftime("%H:%M:%S" if here.date() == today else "%Y-%m-%d %H:%M:%S")


def iso_time(moment: datetime | None) -> str | None:
    """Write a point in time for machines: ISO 8601, UTC."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def span(duration: timedelta) -> str:
    """Write a length of time for people, to two or three digits."""
    seconds = duration.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.3g} s"


def size(length: int) -> str:
    """Write a number of bytes for people."""
    return f"{length:,} bytes" if length != 1 else "1 byte"


def state_text(state: State) -> Text:
    return Text(state.value, style=_STYLES[state])


def table(headings: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> Table:
    """Make a table without the columns that are empty in every row; plain strings are made safe."""
    made = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    used = [place for place in range(len(headings)) if any(len(row[place]) for row in rows)]
    cells = [[_cell(row[place]) for place in used] for row in rows]
    widths = [
        max(cell_len(headings[place]), *(cells_of_row[at].cell_len for cells_of_row in cells))
        for at, place in enumerate(used)
    ]
    whole = _unwrapped(widths, Console().width - _GAP * (len(used) - 1))
    for at, place in enumerate(used):
        # A long value goes on in the next line: an id that is cut short can't be copied.
        made.add_column(headings[place], overflow="fold", no_wrap=at in whole)
    for cells_of_row in cells:
        made.add_row(*cells_of_row)
    return made


def _unwrapped(widths: Sequence[int], room: int) -> set[int]:
    """Choose the columns that need not wrap in so much room, the narrowest first."""
    whole: set[int] = set()
    used = 0
    for at in sorted(range(len(widths)), key=lambda at: widths[at]):
        used += widths[at]
        if used + _NARROWEST * (len(widths) - len(whole) - 1) > room:
            break
        whole.add(at)
    return whole


def _cell(value: str | Text) -> Text:
    return value if isinstance(value, Text) else Text(visible_line(value))


def show(*parts: RenderableType) -> None:
    """Print for people, in colour on a terminal and plain elsewhere; a str is printed as it is."""
    is_terminal = sys.stdout.isatty()
    console = Console(markup=False, highlight=False, emoji=False, width=None if is_terminal else _PIPE_WIDTH)
    for part in parts:
        with console.capture() as captured:
            console.print(part, soft_wrap=isinstance(part, str | Text))
        text = "\n".join(line.rstrip() for line in captured.get().splitlines())
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        click.echo(text.encode(encoding, "backslashreplace").decode(encoding))


def show_json(value: Any, *, indent: int | None = 2) -> None:  # noqa: ANN401 - any JSON value
    """Print a JSON value, in ASCII: nothing in it can act on a terminal or break a line in two."""
    click.echo(json.dumps(value, indent=indent))
