"""`hooks rejects explain`: the likely cause of a refusal, and what to do about it."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Final

import click
from rich.text import Text

from console.log import open_log
from console.rejects import as_json
from console.rejects.choice import chosen, read_chosen
from console.rejects.secrets import accepted_secrets, other_secrets
from console.rendering import local_time, show, show_json
from console.visible import visible_line
from eventlog.database import EventLog
from eventlog.rejects import Reject, read_with_bodies
from receiver.explain.explanation import Explanation, explain
from receiver.explain.keys import KnownSecret

_NAMED_AT_MOST: Final = 5

Explained = tuple[Reject, Explanation]


@click.command("explain")
@chosen
@click.option(
    "--secret-file",
    "file",
    metavar="FILE",
    help="Try the secrets in this file too, such as an old one; - is standard input.",
)
@click.option("--json", "as_json_", is_flag=True, help="One JSON object.")
def explain_rejects(*, ids: tuple[int, ...] | None, file: str | None, as_json_: bool) -> None:
    """Find out why requests were refused, by trying what usually goes wrong.

    The sender is never told of it: all it gets to know is that the signature does not fit.
    """
    accepted = accepted_secrets()
    secrets = [*accepted, *other_secrets(file, accepted)]
    with closing(open_log()) as log:
        explained = _explained(log, read_chosen(log, ids), secrets)
        if as_json_:
            show_json({"rejects": [_as_json(reject, found) for reject, found in explained]})
        elif ids is None:
            _show_groups(explained)
        else:
            for reject, found in explained:
                heading = f"{reject.id}  {local_time(reject.received_at)}  {reject.status}  {reject.reason}"
                _show(heading, found)


def _explained(
    log: EventLog, rejects: list[Reject], secrets: list[KnownSecret]
) -> Iterator[tuple[Reject, Explanation]]:
    for batch in read_with_bodies(log, rejects):
        for reject, body in batch:
            yield reject, explain(reject, body, secrets)


def _show_groups(explained: Iterator[Explained]) -> None:
    groups: dict[tuple[tuple[str, ...], str], list[Explained]] = {}
    for reject, found in explained:
        groups.setdefault((found.causes, found.message), []).append((reject, found))
    if not groups:
        show(Text("No request was refused."))
    for alike in sorted(groups.values(), key=len, reverse=True):
        ids = ", ".join(str(reject.id) for reject, _ in alike[:_NAMED_AT_MOST])
        more = ", ..." if len(alike) > _NAMED_AT_MOST else ""
        found = alike[0][1]
        if found.is_admissible and len(alike) > 1:
            found = replace(found, todo="take them in: hooks rejects admit --all")
        _show(f"{len(alike):,} x {alike[0][0].status}  ({ids}{more})", found)


def _show(heading: str, found: Explanation) -> None:
    show(
        Text(visible_line(heading), style="bold"),
        Text(f"  {visible_line(found.message)}"),
        Text(f"  -> {visible_line(found.todo)}"),
    )


def _as_json(reject: Reject, found: Explanation) -> dict[str, object]:
    return as_json.listed(reject) | {
        "causes": list(found.causes),
        "explanation": found.message,
        "todo": found.todo,
        "admissible": found.is_admissible,
    }
