"""What a replay was asked for on the command line, checked."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from console.type_filter import TypeFilter
from console.when import WHEN
from eventlog.last_run import LastRun
from eventlog.selection import Selection
from eventlog.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which events, for which handlers."""

    selection: Selection
    handler: str | None
    """The only one to run; None for all that listen for an event's type."""
    only_failed: bool
    fixed: bool = False
    """Whether to repeat only what died under other versions of the code than the present ones."""


def given_text(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Refuse an empty value: an unset variable in a script must not turn a filter into none."""
    if value == "":
        raise click.BadParameter("this is empty; was a variable unset?")
    try:
        (value or "").encode()
    except UnicodeEncodeError as error:
        raise click.BadParameter("this is not UTF-8 text") from error
    return value


def _given_ids(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for event_id in value:
        given_text(ctx, param, event_id)
    return tuple(dict.fromkeys(value))


def _last_run(version: str | None, fingerprint: str | None) -> LastRun | None:
    if version is None and fingerprint is None:
        return None
    return LastRun(version=version, fingerprint=fingerprint)


def _require_clear(selection: Selection, *, handler: str | None, fixed: bool, everything: bool) -> None:
    """Raise `click.UsageError` where nothing was selected, or things that contradict each other.

    A handler alone selects all that it listens for, from before it existed too.
    """
    is_filtered = fixed or selection != Selection(ids=selection.ids)
    if selection.ids and (is_filtered or everything):
        raise click.UsageError("give event ids or filters, not both")
    if everything and is_filtered:
        raise click.UsageError("--all is a replay without filters: leave out one or the other")
    if not (selection.ids or is_filtered or handler or everything):
        raise click.UsageError(
            "say what to replay: event ids, or --type, --state, --subject, --since, --until, --handler,"
            " --version, --fixed or --fingerprint; --all is everything"
        )
    if selection.since and selection.until and selection.since >= selection.until:
        raise click.UsageError("--since must be earlier than --until, or no event can match")


def replay_request(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say what to replay, and call it with `request`."""

    @click.argument("ids", nargs=-1, metavar="[ID]...", callback=_given_ids)
    @click.option(
        "--type", "type_", type=TypeFilter(), callback=given_text, help="memory.stored, or memory.*"
    )
    @click.option("--state", type=click.Choice([state.value for state in State]), help="Of the event.")
    @click.option(
        "--subject", metavar="ID", callback=given_text, help="The memory, agent or project it is about."
    )
    @click.option("--since", type=WHEN, help="Received then or later: a timestamp, a date, or 15m, 2h, 3d.")
    @click.option("--until", type=WHEN, help="Received before then.")
    @click.option("--all", "everything", is_flag=True, help="All events.")
    @click.option(
        "--handler", metavar="NAME", callback=given_text, help="Run this one only, on older events too."
    )
    @click.option("--only-failed", is_flag=True, help="Run a handler only where its last run ended dead.")
    @click.option(
        "--version",
        metavar="VERSION",
        callback=given_text,
        help="Run a handler only where this version ran last: its hash, six digits of it, or a release.",
    )
    @click.option(
        "--fixed",
        is_flag=True,
        help="Run a handler only where it died under another version or release than the present one.",
    )
    @click.option(
        "--fingerprint",
        metavar="FINGERPRINT",
        callback=given_text,
        help="Run a handler only where it died of this failure; see: hooks failures list.",
    )
    @functools.wraps(command)
    def with_request(  # noqa: PLR0913 - one for each option
        *,
        ids: tuple[str, ...],
        type_: str | None,
        state: str | None,
        subject: str | None,
        since: datetime | None,
        until: datetime | None,
        everything: bool,
        handler: str | None,
        only_failed: bool,
        version: str | None,
        fixed: bool,
        fingerprint: str | None,
        **others: Any,  # noqa: ANN401 - the command's own options
    ) -> None:
        selection = Selection(
            ids=ids,
            type=type_,
            state=None if state is None else State(state),
            subject=subject,
            since=since,
            until=until,
            last_run=_last_run(version, fingerprint),
        )
        _require_clear(selection, handler=handler, fixed=fixed, everything=everything)
        request = Request(selection=selection, handler=handler, only_failed=only_failed, fixed=fixed)
        command(request=request, **others)

    return with_request
