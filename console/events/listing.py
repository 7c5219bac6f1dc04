"""`hooks events list`: the newest events, page by page, or as they arrive."""

import re
import shlex
from contextlib import closing
from datetime import datetime
from typing import Any, Final

import click
from rich.text import Text

from console.events import as_json
from console.events.filters import LARGEST_SEQ, selection_options, settled
from console.events.follow import follow
from console.log import open_log
from console.rendering import iso_time, local_time, show, show_json, state_text, table
from eventlog.listing import ListedEvent, Page, read_page
from eventlog.selection import Selection

_CURSOR: Final = re.compile(r"before-(\d{1,19})")
_HEADINGS: Final = ("time", "id", "type", "subject", "state", "seen", "note")


def _cursor(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    found = _CURSOR.fullmatch(value)
    if found is None or int(found[1]) > LARGEST_SEQ:
        raise click.BadParameter(f"{value!r} is no cursor of this command; a page's end names the next one")
    return int(found[1])


@click.command("list")
@selection_options
@click.option("--limit", type=click.IntRange(1, 1000), default=25, show_default=True, help="Events a page.")
@click.option("--cursor", "before", metavar="CURSOR", callback=_cursor, help="Go on with the next page.")
@click.option("--json", "as_json_", is_flag=True, help="One JSON object; with --follow one event a line.")
@click.option(
    "--follow", "following", is_flag=True, help="Go on showing events as they arrive, until Ctrl-C."
)
@click.pass_context
def list_events(
    ctx: click.Context,
    /,
    *,
    selection: Selection,
    limit: int,
    before: int | None,
    as_json_: bool,
    following: bool,
) -> None:
    """List events, the newest first."""
    if following and before is not None:
        raise click.UsageError("--follow begins with the newest events: leave out --cursor")
    with closing(open_log()) as log:
        selection = settled(selection, log)
        if following:
            follow(log, selection, limit=limit, as_json_lines=as_json_)
            return
        page = read_page(log, selection, limit=limit, before=before)
    if as_json_:
        show_json(_page_as_json(page))
    elif page.events:
        show(table(_HEADINGS, [_row(event) for event in page.events]))
        if page.next_before is not None:
            show(Text(f"\nNext page: {_next_command(ctx, page.next_before)}"))
    else:
        show(Text("No event matches." if selection != Selection() else "There are no events yet."))


def _page_as_json(page: Page) -> dict[str, Any]:
    return {
        "events": [as_json.listed(event) for event in page.events],
        "next_cursor": None if page.next_before is None else f"before-{page.next_before}",
    }


def _row(event: ListedEvent) -> tuple[str | Text, ...]:
    return (
        local_time(event.received_at),
        event.id,
        event.type,
        event.subject or "",
        state_text(event.state),
        f"x{event.seen}" if event.seen > 1 else "",
        f"failed: {', '.join(event.dead_handlers)}" if event.dead_handlers else "",
    )


def _next_command(ctx: click.Context, before: int) -> str:
    words = ["hooks", "events", "list"]
    for param in ctx.command.params:
        value = ctx.params.get(param.name or "")
        if param.name != "before" and value not in (None, False, param.default):
            # An age would mean another time on each page.
            words += [param.opts[0], iso_time(value) or "" if isinstance(value, datetime) else str(value)]
    return shlex.join([*words, "--cursor", f"before-{before}"])
