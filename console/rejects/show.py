"""`hooks rejects show`: everything that was kept of one refused request."""

import sys
from contextlib import closing

import click
from rich.text import Text

from console.events.as_json import body_fields
from console.events.body import readable
from console.log import open_log
from console.rejects import as_json
from console.rejects.choice import NUMBER, read_chosen
from console.rendering import local_time, show, show_json, size
from console.visible import visible_line
from eventlog.rejects import Reject, read_with_bodies


@click.command("show")
@click.argument("number", metavar="ID", type=NUMBER)
@click.option("--json", "as_json_", is_flag=True, help="One JSON object with everything.")
@click.option("--body", "raw", is_flag=True, help="The body, byte for byte, and nothing else.")
def show_reject(*, number: int, as_json_: bool, raw: bool) -> None:
    """Show a refused request: why it was refused, its signature header and its body."""
    if as_json_ and raw:
        raise click.UsageError("--json and --body exclude each other")
    with closing(open_log()) as log:
        found = read_chosen(log, (number,))
        ((reject, body),) = next(read_with_bodies(log, found))
    if raw:
        if body is None:
            raise click.ClickException(f"of refused request {number} no body was kept")
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
    elif as_json_:
        show_json(as_json.listed(reject) | body_fields(body))
    else:
        show(*_summary(reject), *_body(body))


def _summary(reject: Reject) -> list[Text]:
    lines = [
        ("reason", reject.reason),
        ("received", local_time(reject.received_at)),
        ("request", reject.request_id),
        ("signature", "none" if reject.signature is None else reject.signature),
        ("only counted", f"{reject.not_kept:,} before it" if reject.not_kept else ""),
    ]
    heading = Text(f"{reject.id}  {reject.status}  {visible_line(reject.code)}", style="bold")
    facts = [Text(f"  {name:<13} {visible_line(value)}") for name, value in lines if value]
    return [heading, *facts, Text(f"  {'why':<13} hooks rejects explain {reject.id}")]


def _body(body: bytes | None) -> list[Text]:
    if body is None:
        return [Text("\nIts body was not kept.")]
    shown, note = readable(body)
    rest = [] if note is None else [Text(f"... {note}; all of it: --body")]
    return [Text(f"\nBody ({size(len(body))})", style="bold"), Text(shown), *rest]
