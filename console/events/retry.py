"""`hooks events retry`: bring waiting retries forward."""

from contextlib import closing
from typing import Final

import click

from console.events.deliveries import (
    as_json,
    fail_unknown,
    name_of,
    replay_command,
    require_handler,
    show_command,
)
from console.events.filters import text
from console.log import open_log
from console.rendering import show, show_json
from console.replay_watch import missing_processes
from eventlog.early_retry import BroughtForward, bring_forward
from eventlog.locked_event import LockedEvent, Standing
from eventlog.states import State

_UNDER_WAY: Final = (State.QUEUED, State.RUNNING, State.WAITING)
"""It runs soon without anybody's help, or does by now."""
_SAID: Final = {
    State.WAITING: "is due already: the clock takes it within a second",
    State.QUEUED: "is queued: it runs as soon as a worker is free",
    State.RUNNING: "runs at the moment",
    State.PARKED: "is parked: an earlier event of its subject comes first",
    State.THROTTLED: "is throttled: its handler runs as much or as often as it may",
}


@click.command("retry")
@click.argument("event_id", metavar="ID", callback=text)
@click.option("--handler", metavar="NAME", callback=text, help="Only what waits for this handler.")
@click.option("--json", "as_json_", is_flag=True, help="Print one JSON object.")
def retry_event(*, event_id: str, handler: str | None, as_json_: bool) -> None:
    """Bring an event's waiting retries forward: they are made now, and not when they are due."""
    with closing(open_log()) as log:
        done = bring_forward(log, event_id, handler=handler)
        if done is None:
            fail_unknown(event_id)
        require_handler(done.event, event_id, handler)
        missing = missing_processes(log)
    if as_json_:
        show_json(
            {
                "id": event_id,
                "deliveries": [
                    as_json(each, each.state) | {"brought_forward": each.id in done.ids}
                    for each in done.event.deliveries
                ],
            }
        )
    else:
        for line in _words(done, event_id):
            show(line)
    if done.ids and missing:
        commands = " and ".join(f"`hooks {process}`" for process in missing)
        verb = "run" if len(missing) > 1 else "runs"
        click.echo(f"It goes on when {commands} {verb}, or `hooks up`, which runs all.", err=True)
    if not _is_under_way(done.event):
        raise click.exceptions.Exit(1)


def _is_under_way(event: LockedEvent) -> bool:
    states = [each.state for each in event.deliveries] or [event.state]
    return any(state in _UNDER_WAY for state in states)


def _words(done: BroughtForward, event_id: str) -> list[str]:
    lines = [
        f"{name_of(each)} {_said(each, event_id, is_changed=each.id in done.ids)}"
        for each in done.event.deliveries
        if each.state not in (State.DONE, State.SKIPPED)
    ]
    if lines:
        return lines
    if done.event.deliveries:
        return [f"nothing waits: it has ended well; to run it again: {replay_command(event_id)}"]
    if done.event.state in _UNDER_WAY:
        return [f"no handler has run yet: the event is {done.event.state.value}"]
    return [f"nothing waits: no handler listened for it; to give it to one: {replay_command(event_id)}"]


def _said(delivery: Standing, event_id: str, *, is_changed: bool) -> str:
    if is_changed:
        return "is due now: the clock takes it within a second"
    if delivery.state is State.DEAD and not delivery.is_last_run:
        return f"is dead, and was run again since; see: {show_command(event_id)}"
    if delivery.state in (State.DEAD, State.RESOLVED):
        again = replay_command(event_id, delivery.handler, only_failed=delivery.state is State.DEAD)
        return f"is {delivery.state.value}, and no retry is left; to run it again: {again}"
    return _SAID[delivery.state]
