"""`hooks events show`: everything about one event."""

import sys
from contextlib import closing
from itertools import groupby

import click
from rich.console import RenderableType
from rich.text import Text

from console.events import as_json
from console.events.body import readable
from console.events.filters import text
from console.log import open_log
from console.rendering import local_time, show, show_json, size, span, state_text, table
from console.visible import visible, visible_line
from eventlog.detail import Delivery, EventDetail, FailedAttempt, read_body, read_detail
from eventlog.hold import ORIGINAL_RUN
from eventlog.states import State

_DUE = {
    State.QUEUED: "queued again",
    State.RUNNING: "lease ends",
    State.WAITING: "next attempt",
}
_RESULT_CHARACTERS = 100
_HEADINGS = ("handler", "state", "attempts", "took", "began", "due", "version", "release", "note")


@click.command("show")
@click.argument("event_id", metavar="ID", callback=text)
@click.option("--json", "as_json_", is_flag=True, help="One JSON object with everything.")
@click.option("--raw", is_flag=True, help="The first body, byte for byte, and nothing else.")
@click.option("--body", "number", type=click.IntRange(1), help="Another body, byte for byte, by its number.")
def show_event(*, event_id: str, as_json_: bool, raw: bool, number: int | None) -> None:
    """Show an event: each delivery, each failure with its traceback, and its body."""
    if as_json_ + raw + (number is not None) > 1:
        raise click.UsageError("--json, --raw and --body exclude each other")
    with closing(open_log()) as log:
        event = read_detail(log, event_id)
        if event is None:
            raise click.ClickException(
                f"there is no event {visible_line(event_id)!r}; the newest are shown by: hooks events list"
            )
        if raw or number is not None:
            _write_bytes(event, number or 1, read_body(log, event, number or 1))
            return
    if as_json_:
        show_json(as_json.detailed(event))
    else:
        show(*_summary(event), *_runs(event), *_steps(event), *_other_bodies(event), *_first_body(event))


def _write_bytes(event: EventDetail, number: int, body: bytes | None) -> None:
    if body is None:
        kept = f"there are {len(event.bodies)}" if event.bodies else "none is kept any more"
        raise click.ClickException(f"event {event.id} has no body {number}: {kept}")
    sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()


def _summary(event: EventDetail) -> list[RenderableType]:
    lines = [
        ("subject", event.subject),
        ("created", None if event.created_at is None else local_time(event.created_at)),
        ("received", local_time(event.received_at)),
        ("seen", f"{event.seen} times" if event.seen > 1 else None),
        (_DUE.get(event.state, "due"), None if event.due_at is None else local_time(event.due_at)),
    ]
    heading = Text.assemble(
        (visible_line(event.id), "bold"), f"  {visible_line(event.type)}  ", state_text(event.state)
    )
    return [heading, *(Text(f"  {name:<13} {visible_line(value)}") for name, value in lines if value)]


def _runs(event: EventDetail) -> list[RenderableType]:
    if not event.deliveries:
        return [Text("\nNo handler has run yet." if event.state is not State.UNHANDLED else "\nNo handler.")]
    parts: list[RenderableType] = []
    for replay, deliveries in groupby(event.deliveries, key=lambda delivery: delivery.replay):
        name = "Original run" if replay == ORIGINAL_RUN else f"Replay {replay}"
        parts += [Text(f"\n{name}", style="bold"), table(_HEADINGS, [_row(one) for one in deliveries])]
        for failure in event.failures:
            if failure.replay == replay:
                parts += _failure(failure)
    return parts


def _row(delivery: Delivery) -> tuple[str | Text, ...]:
    return (
        delivery.handler,
        state_text(delivery.state),
        str(delivery.attempts),
        "" if delivery.duration is None else span(delivery.duration),
        "" if delivery.started_at is None else local_time(delivery.started_at),
        "" if delivery.due_at is None else local_time(delivery.due_at),
        delivery.version or "",
        delivery.release or "",
        _note(delivery),
    )


def _note(delivery: Delivery) -> str:
    if delivery.behind is not None:
        return f"comes after {delivery.behind}"
    if delivery.state is State.THROTTLED:
        return "its handler runs as much as it may"
    if delivery.holds:
        return "holds what comes after it, until it is replayed or resolved"
    if delivery.resolved_at is None:
        return delivery.note or ""
    return f"resolved {local_time(delivery.resolved_at)} by {delivery.resolved_by}: {delivery.resolved_why}"


def _failure(failure: FailedAttempt) -> list[RenderableType]:
    what = f"{failure.error_type}: {failure.message}" if failure.message else failure.error_type
    place = f"{failure.handler}, attempt {failure.attempt}, {local_time(failure.failed_at)}"
    heading = Text(f"\n{visible_line(place)}: ").append(visible_line(what), style="red")
    trace = "\n".join(f"  {line}" for line in visible(failure.traceback).rstrip().split("\n"))
    group = Text(f"  {_code(failure)}fingerprint {visible_line(failure.fingerprint)}", style="dim")
    return [heading, Text(trace), group] if failure.traceback.strip() else [heading, group]


def _code(failure: FailedAttempt) -> str:
    """Say which code failed, as far as that is on record."""
    version = f"version {failure.version}, " if failure.version else ""
    return version + (f"release {visible_line(failure.release)}, " if failure.release else "")


def _steps(event: EventDetail) -> list[RenderableType]:
    if not event.effects:
        return []
    rows = [
        (
            effect.handler,
            "" if effect.replay == ORIGINAL_RUN else str(effect.replay),
            effect.key,
            local_time(effect.recorded_at),
            _cut(effect.result),
        )
        for effect in event.effects
    ]
    headings = ("handler", "replay", "step", "recorded", "result")
    return [Text("\nSteps on record (ctx.once)", style="bold"), table(headings, rows)]


def _cut(result: str) -> str:
    if len(result) <= _RESULT_CHARACTERS:
        return result
    return f"{result[:_RESULT_CHARACTERS]}... all of it: --json"


def _other_bodies(event: EventDetail) -> list[RenderableType]:
    others = list(enumerate(event.bodies, start=1))[1:]
    if not others:
        return []
    count = "Another body" if len(others) == 1 else f"{len(others)} other bodies"
    rows = [
        (str(number), kept.sha256.hex(), local_time(kept.received_at), size(kept.length))
        for number, kept in others
    ]
    return [
        Text(f"\n{count} under this id, shown by --body NUMBER", style="bold"),
        table(("number", "sha256", "received", "size"), rows),
    ]


def _first_body(event: EventDetail) -> list[RenderableType]:
    if event.body is None:
        return [Text("\nIts body is no longer kept.")]
    shown, note = readable(event.body)
    heading = Text(f"\nBody ({size(len(event.body))})", style="bold")
    return [heading, Text(shown), *([] if note is None else [Text(f"... {note}; all of it: --raw")])]
