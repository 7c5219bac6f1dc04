"""`hooks failures`: what goes wrong, grouped by its cause, and how to repeat what a mend repairs."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

import click
from rich.console import RenderableType
from rich.text import Text

from console.events.filters import text
from console.failures_json import detail_json, group_json, replay_command
from console.log import open_log
from console.rendering import local_time, show, show_json, state_text, table
from console.replay_code import whole_fingerprint
from console.replay_report import counted
from console.type_filter import TypeFilter
from console.visible import visible, visible_line
from console.when import WHEN
from eventlog.failure_group_detail import GroupDetail, OfCode, read_group
from eventlog.failure_groups import FailedCode, FailureGroup, Filters, read_groups

_MESSAGE_CHARACTERS = 100
_HEADINGS = ("fingerprint", "failures", "still dead", "first", "last", "handler", "version", "error")


@click.group("failures")
def failures() -> None:
    """Look at what goes wrong, grouped by its cause."""


@failures.command("list")
@click.option("--handler", metavar="NAME", callback=text, help="Of this handler.")
@click.option("--type", "type_", type=TypeFilter(), callback=text, help="memory.stored, or memory.*")
@click.option("--since", type=WHEN, help="Failed then or later: a timestamp, a date, or 15m, 2h, 3d.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_failures(
    *, handler: str | None, type_: str | None, since: datetime | None, limit: int, as_json: bool
) -> None:
    """List failures by fingerprint: those of one error type from one path through the code are one group.

    The one that happened last comes first. With filters, the figures are of the failures that match.
    """
    filters = Filters(handler=handler, type=type_, since=since)
    with closing(open_log()) as log:
        found = read_groups(log, filters, limit=limit)
    if as_json:
        show_json({"failures": [group_json(group) for group in found]})
        return
    if not found:
        show("No failures match." if filters != Filters() else "There are no failures.")
        return
    show(table(_HEADINGS, [_row(group) for group in found]))
    show("", "One of them in full: hooks failures show FINGERPRINT")


@failures.command("show")
@click.argument("fingerprint", callback=text)
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="So many of its events."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show_failure(*, fingerprint: str, limit: int, as_json: bool) -> None:
    """Show one group, by its fingerprint or the first digits of it: what failed, on which events, and why."""
    with closing(open_log()) as log:
        group = read_group(log, whole_fingerprint(log, fingerprint), listed=limit)
    if group is None:
        raise click.ClickException(f"no failure has the fingerprint {fingerprint!r} any more")
    if as_json:
        show_json(detail_json(group))
    else:
        show(*_summary(group), *_code(group.by_code), *_events(group), *_newest(group), *_what_to_do(group))


def _row(group: FailureGroup) -> tuple[str | Text, ...]:
    handlers = dict.fromkeys(code.handler for code in group.code)
    return (
        group.fingerprint,
        f"{group.count:,}{_plus(more=group.more)}",
        Text(
            f"{group.still_dead:,}{_plus(more=group.more_dead)}",
            style="red" if group.still_dead or group.more_dead else "dim",
        ),
        local_time(group.first_at),
        local_time(group.last_at),
        ", ".join(handlers),
        ", ".join(dict.fromkeys(_version(code) for code in group.code)),
        _error(group.error_type, group.message),
    )


def _plus(*, more: bool) -> str:
    return "+" if more else ""


def _version(code: FailedCode) -> str:
    return " ".join(part for part in (code.version, code.release) if part) or "unknown"


def _error(error_type: str, message: str) -> str:
    first_line = message.strip().partition("\n")[0][:_MESSAGE_CHARACTERS]
    return ": ".join(part for part in (error_type, first_line) if part)


def _summary(group: GroupDetail) -> list[RenderableType]:
    heading = Text.assemble(
        (group.fingerprint, "bold"),
        "  ",
        (visible_line(_error(group.newest.error_type, group.newest.message)), "red"),
    )
    failed = counted(group.count, "failed attempt", "failed attempts")
    dead = f"{group.still_dead:,}{_plus(more=group.more_dead)} still dead"
    newest = "the newest " if group.more else ""
    return [
        heading,
        Text(f"  {newest}{failed} on {counted(group.events, 'event', 'events')}, {dead}"),
        Text(f"  first {local_time(group.first_at)}, last {local_time(group.last_at)}"),
    ]


def _code(by_code: Sequence[OfCode]) -> list[RenderableType]:
    rows = [
        (
            each.code.handler,
            each.code.version or "",
            each.code.release or "",
            f"{each.count:,}",
            local_time(each.first_at),
            local_time(each.last_at),
        )
        for each in by_code
    ]
    headings = ("handler", "version", "release", "failures", "first", "last")
    return [Text("\nThe code that failed", style="bold"), table(headings, rows)]


def _events(group: GroupDetail) -> list[RenderableType]:
    rows = [
        (
            hit.id,
            hit.type,
            hit.handler,
            local_time(hit.failed_at),
            "" if hit.state is None else state_text(hit.state),
        )
        for hit in group.hit
    ]
    headings = ("event", "type", "handler", "failed", "now")
    parts: list[RenderableType] = [Text("\nEvents", style="bold"), table(headings, rows)]
    if group.events > len({hit.id for hit in group.hit}):
        parts.append(f"of {counted(group.events, 'event', 'events')}; more with --limit")
    return parts


def _newest(group: GroupDetail) -> list[RenderableType]:
    newest = group.newest
    place = f"{newest.handler} on {group.newest_event_id}, attempt {newest.attempt}"
    trace = "\n".join(f"  {line}" for line in visible(newest.traceback).rstrip().split("\n"))
    heading = Text(f"\nThe newest: {visible_line(place)}, {local_time(newest.failed_at)}", style="bold")
    return [heading, Text(trace if newest.traceback.strip() else f"  {visible(newest.message)}")]


def _what_to_do(group: GroupDetail) -> list[RenderableType]:
    if not (group.still_dead or group.more_dead):
        return ["\nNothing is dead of it any more."]
    return [f"\nWhen it is mended: {replay_command(group.fingerprint)}"]
