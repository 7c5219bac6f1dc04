"""`hooks rejects list`: the newest refused requests."""

import re
from contextlib import closing
from datetime import datetime
from typing import Final

import click
from rich.text import Text

from console.log import open_log
from console.rejects import as_json
from console.rendering import local_time, show, show_json, size, table
from console.when import WHEN
from eventlog.rejects import Reject, RejectFilter, Totals, read_rejects, read_totals

_CODE: Final = re.compile(r"\d{3}|[A-Za-z_]{1,64}")
_HEADINGS: Final = ("number", "time", "status", "code", "reason", "body", "request")


def _code(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is not None and _CODE.fullmatch(value) is None:
        raise click.BadParameter(f"{value!r}: write a status (401) or a code (UNAUTHORIZED)")
    return value


@click.command("list")
@click.option("--signed", is_flag=True, help="Those whose signature fitted.")
@click.option("--unsigned", is_flag=True, help="Those without a signature that fitted.")
@click.option("--since", type=WHEN, help="Received then or later: a timestamp, a date, or 15m, 2h, 3d.")
@click.option("--code", callback=_code, help="Of this status or code: 401, UNAUTHORIZED.")
@click.option(
    "--limit", type=click.IntRange(1, 20_000), default=25, show_default=True, help="At most so many."
)
@click.option("--json", "as_json_", is_flag=True, help="One JSON object.")
def list_rejects(
    *, signed: bool, unsigned: bool, since: datetime | None, code: str | None, limit: int, as_json_: bool
) -> None:
    """List refused requests, the newest first."""
    if signed and unsigned:
        raise click.UsageError("--signed and --unsigned exclude each other; leave both out for all")
    wanted = RejectFilter(is_signed=signed if signed or unsigned else None, since=since, code=code)
    with closing(open_log()) as log:
        found = read_rejects(log, wanted, limit=limit + 1)
        totals = read_totals(log)
    shown = found[:limit]
    if as_json_:
        show_json(
            {
                "rejects": [as_json.listed(reject) for reject in shown],
                "more": len(found) > limit,
                "kept": {"signed": _totals(totals[True]), "unsigned": _totals(totals[False])},
            }
        )
        return
    if shown:
        show(table(_HEADINGS, [_row(reject) for reject in shown]))
    else:
        show(Text("No refused request matches." if wanted != RejectFilter() else "No request was refused."))
    if len(found) > limit:
        show(Text("\nThere are more: --limit, --since"))
    if totals[False].not_kept or totals[True].not_kept:
        lost = totals[False].not_kept + totals[True].not_kept
        show(Text(f"\nBesides, {lost:,} more came too fast and were only counted."))


def _row(reject: Reject) -> tuple[str, ...]:
    return (
        str(reject.id),
        local_time(reject.received_at),
        str(reject.status),
        reject.code,
        reject.reason,
        _body(reject),
        reject.request_id,
    )


def _body(reject: Reject) -> str:
    if reject.size is None:
        return "not read"
    return size(reject.size) if reject.has_body else f"{size(reject.size)}, not kept"


def _totals(totals: Totals) -> dict[str, int]:
    return {"requests": totals.events, "bytes": totals.bytes, "only_counted": totals.not_kept}
