"""The options that choose events, alike wherever events are chosen."""

import functools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import click

from console.type_filter import TypeFilter
from console.when import WHEN
from eventlog.database import EventLog
from eventlog.failure_groups import find_fingerprints
from eventlog.selection import Selection
from eventlog.states import State

LARGEST_SEQ: Final = 2**63 - 1


def selection_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that choose events, and call it with `selection`."""

    @click.option("--type", "type_", type=TypeFilter(), callback=text, help="memory.stored, or memory.*")
    @click.option("--state", type=click.Choice([state.value for state in State]), help="Of the event.")
    @click.option("--subject", metavar="ID", callback=text, help="The memory, agent or project it is about.")
    @click.option("--since", type=WHEN, help="Received then or later: a timestamp, a date, or 15m, 2h, 3d.")
    @click.option("--until", type=WHEN, help="Received before then.")
    @click.option(
        "--handler", metavar="NAME", callback=text, help="Delivered to it; --state is then its own."
    )
    @click.option(
        "--fingerprint",
        metavar="FINGERPRINT",
        callback=text,
        help="An attempt at it failed so, of --handler if given; see: hooks failures list.",
    )
    @functools.wraps(command)
    def with_selection(
        *,
        type_: str | None,
        state: str | None,
        subject: str | None,
        since: datetime | None,
        until: datetime | None,
        handler: str | None,
        fingerprint: str | None,
        **others: Any,  # noqa: ANN401 - the command's own options
    ) -> None:
        if since and until and since >= until:
            raise click.UsageError("--since must be earlier than --until, or no event can match")
        selection = Selection(
            type=type_,
            state=None if state is None else State(state),
            subject=subject,
            since=since,
            until=until,
            handler=handler,
            fingerprint=fingerprint,
        )
        command(selection=selection, **others)

    return with_selection


def settled(selection: Selection, log: EventLog) -> Selection:
    """Give the selection with its fingerprint in full; one that nothing in the log bears stays as it is."""
    if selection.fingerprint is None:
        return selection
    begins = selection.fingerprint.strip().lower()
    found = find_fingerprints(log, begins, limit=2)
    if len(found) > 1 and begins not in found:
        raise click.ClickException(
            f"several fingerprints begin with {begins!r}, such as {' and '.join(found)}: give more digits"
        )
    return replace(selection, fingerprint=found[0] if found else begins)


def text(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Refuse an empty argument, and one whose bytes are no text, which no database would take."""
    if value == "":
        raise click.BadParameter("this is empty; was a variable unset?")
    try:
        (value or "").encode()
    except UnicodeEncodeError as error:
        raise click.BadParameter("this is not UTF-8 text") from error
    return value
