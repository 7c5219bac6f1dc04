"""`hooks events resolve`: mark dead deliveries as dealt with."""

from contextlib import closing

import click

from console.events.deliveries import as_json, fail_unknown, name_of, require_handler
from console.events.filters import text
from console.log import open_log
from console.rendering import show, show_json
from console.visible import visible_line
from console.who import who
from eventlog.locked_event import Standing
from eventlog.resolution import Resolution, resolve
from eventlog.states import State


@click.command("resolve")
@click.argument("event_id", metavar="ID", callback=text)
@click.option("--handler", metavar="NAME", callback=text, help="Only this handler's.")
@click.option("--why", required=True, callback=text, help="What was done about it; kept with the delivery.")
@click.option("--json", "as_json_", is_flag=True, help="Print one JSON object.")
def resolve_event(*, event_id: str, handler: str | None, why: str, as_json_: bool) -> None:
    """Mark an event's dead deliveries as dealt with: they are `resolved`, with who did it and why.

    They are no longer reported as dead, nor replayed by --only-failed, and hold nobody up any more.
    """
    by = who()
    with closing(open_log()) as log:
        done = resolve(log, event_id, handler=handler, by=by, why=why)
    if done is None:
        fail_unknown(event_id)
    require_handler(done.event, event_id, handler)
    ended = [each for each in done.event.deliveries if each.state in (State.DEAD, State.RESOLVED)]
    if as_json_:
        show_json(
            {
                "id": event_id,
                "resolved": [_json(each, by=by, why=why) for each in ended if each.id in done.ids],
                "resolved_before": [
                    _json(each, by=each.resolved_by, why=each.resolved_why)
                    for each in ended
                    if each.state is State.RESOLVED
                ],
                "left": [as_json(each, State.DEAD) for each in ended if each.id in done.left],
            }
        )
    for each in ended:
        if not as_json_:
            show(f"{name_of(each)} {_said(each, done)}")
    if done.woken and not as_json_:
        # Not counted: of each line only the first goes on at once, and the others after it.
        show("What it held up goes on.")
    if not ended:
        raise click.ClickException(f"{_what(event_id, handler)} is dead{_instead(done)}")
    if done.left:
        raise click.ClickException("not all of it was resolved: try again in a moment")


def _what(event_id: str, handler: str | None) -> str:
    what = f"nothing of event {visible_line(event_id)!r}"
    return what if handler is None else f"{what} for the handler {visible_line(handler)!r}"


def _instead(done: Resolution) -> str:
    states = ", ".join(f"{name_of(each)} is {each.state.value}" for each in done.event.deliveries)
    return f": {states}" if states else ""


def _said(delivery: Standing, done: Resolution) -> str:
    if delivery.id in done.ids:
        return "is resolved"
    if delivery.state is State.RESOLVED:
        by, why = visible_line(delivery.resolved_by or ""), visible_line(delivery.resolved_why or "")
        return f"was resolved before, by {by}: {why}"
    return "is dead still: a worker is at this event"


def _json(delivery: Standing, *, by: str | None, why: str | None) -> dict[str, object]:
    return as_json(delivery, State.RESOLVED) | {"resolved_by": by, "resolved_why": why}
