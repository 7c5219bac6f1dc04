"""`hooks rejects admit`: take refused requests in that verify now."""

from collections.abc import Iterator, Sequence
from contextlib import closing

import click
from rich.text import Text

from console.log import open_log
from console.rejects.choice import chosen, read_chosen
from console.rejects.secrets import accepted_secrets
from console.rendering import show, show_json
from console.visible import visible_line
from eventlog.database import EventLog
from receiver.readmission import Readmission, Verdict, readmit
from workers.queue.redis_queue import EventQueue, QueueUnavailable
from workers.queue.settings import QueueSettings


@click.command("admit")
@chosen
@click.option("--dry-run", is_flag=True, help="Tell what would be taken in, and do nothing.")
@click.option("--json", "as_json_", is_flag=True, help="One JSON object.")
def admit_rejects(*, ids: tuple[int, ...] | None, dry_run: bool, as_json_: bool) -> None:
    """Verify refused requests again, with the secret as it is now, and take in those that are events.

    They go the way of any event; they keep the time at which they first came, and leave the list of the
    refused. Ends with exit code 1 if one that was named is still refused.
    """
    keys = [secret.key for secret in accepted_secrets()]
    with closing(open_log()) as log:
        done: list[Readmission] = []
        for one in _readmitted(log, ids, keys, dry_run=dry_run):
            done.append(one)
            if not as_json_:
                show(Text(_line(one)))
    if as_json_:
        show_json({"rejects": [_as_json(one) for one in done], "dry_run": dry_run})
    else:
        show(Text(_summary(done)))
    if ids is not None and any(one.verdict is Verdict.REFUSED for one in done):
        raise click.exceptions.Exit(1)


def _readmitted(
    log: EventLog, ids: tuple[int, ...] | None, keys: Sequence[bytes], *, dry_run: bool
) -> Iterator[Readmission]:
    with closing(EventQueue.connect(QueueSettings().url)) as queue:

        def send(event_ids: Sequence[str]) -> None:
            try:
                queue.send(event_ids)
            except QueueUnavailable as error:
                click.echo(f"note: {error}; the clock sends these events' jobs when it is back", err=True)

        yield from readmit(log, read_chosen(log, ids), keys=keys, send=send, dry_run=dry_run)


def _line(one: Readmission) -> str:
    event = f" as {visible_line(one.event_id)} ({visible_line(one.event_type or '')})" if one.event_id else ""
    reason = f": {visible_line(one.reason)}" if one.reason else ""
    return f"{one.reject.id}  {one.verdict}{event}{reason}"


def _summary(done: Sequence[Readmission]) -> str:
    counted = [(verdict, sum(one.verdict is verdict for one in done)) for verdict in Verdict]
    return (
        ", ".join(f"{number:,} {verdict}" for verdict, number in counted if number) or "Nothing was refused."
    )


def _as_json(one: Readmission) -> dict[str, object]:
    return {
        "id": one.reject.id,
        "verdict": one.verdict.name.lower(),
        "event_id": one.event_id,
        "reason": one.reason or None,
    }
