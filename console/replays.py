"""`hooks replays`: list, show and cancel replays."""

from contextlib import closing
from typing import Final

import click

from console.log import open_log
from console.rendering import local_time, show, show_json, table
from console.replay_report import (
    Report,
    counted,
    read_report,
    replay_json,
    report_json,
    selection_words,
    show_outcome,
)
from eventlog.canary import ALL, STAGES, stage_of
from eventlog.database import EventLog
from eventlog.replays import Replay, cancel, read_replays
from eventlog.states import State

_LARGEST_ID: Final = 2**63 - 1
_number = click.argument("number", type=click.IntRange(1, _LARGEST_ID))
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("replays")
def replays() -> None:
    """List, show and cancel replays."""


@replays.command("list")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many."
)
@_json
def list_replays(*, limit: int, as_json: bool) -> None:
    """List replays, the newest first."""
    with closing(open_log()) as log:
        found = read_replays(log, limit=limit)
    if as_json:
        show_json({"replays": [replay_json(replay) for replay in found]})
        return
    rows = [
        (
            str(replay.id),
            replay.state.value,
            local_time(replay.created_at),
            f"{replay.events:,}",
            selection_words(replay.selection),
            replay.who,
            replay.reason or "",
        )
        for replay in found
    ]
    headings = ("replay", "state", "made", "events", "selected", "who", "why")
    show(table(headings, rows) if rows else "There are no replays yet.")


@replays.command("show")
@_number
@_json
def show_replay(*, number: int, as_json: bool) -> None:
    """Show one replay: what was asked for, how far it is, and what came of it."""
    with closing(open_log()) as log:
        report = _report(log, number)
    if as_json:
        show_json(report_json(report))
        return
    replay = report.replay
    rows = [
        ("made", f"{local_time(replay.created_at)} by {replay.who}"),
        ("why", replay.reason or ""),
        ("selected", selection_words(replay.selection)),
        ("handlers", ", ".join(replay.handlers)),
        ("only failed", "yes" if replay.only_failed else ""),
        ("rate", f"at most {replay.rate:,} deliveries a second" if replay.rate else ""),
        ("keep effects", "yes" if replay.keep_effects else ""),
        ("canary", _stage_words(replay)),
        ("handed out", local_time(replay.finished_at) if replay.finished_at else ""),
    ]
    facts = table(("", ""), [row for row in rows if row[1]])
    facts.show_header = False
    show(facts, "")
    show_outcome(report)


def _stage_words(replay: Replay) -> str:
    stage = stage_of(replay)
    if stage is None:
        return ""
    bound = (
        "all deliveries"
        if replay.canary == ALL
        else f"up to {counted(replay.canary or 0, 'delivery', 'deliveries')}"
    )
    return f"stage {stage} of {len(STAGES)}: {bound}"


@replays.command("cancel")
@_number
def cancel_replay(*, number: int) -> None:
    """Stop a replay. What runs at the moment runs to its end; nothing else of it will, retries neither."""
    with closing(open_log()) as log:
        before = _report(log, number)
        stopped = cancel(log, number)
        after = _report(log, number)
    if not stopped:
        raise click.ClickException(f"replay {number} is {after.replay.state}: there is nothing to stop")
    withdrawn = after.outcomes.get(State.SKIPPED, 0) - before.outcomes.get(State.SKIPPED, 0)
    click.echo(
        f"Replay {number} is cancelled: {counted(after.replay.events, 'event', 'events')} handed out before,"
        f" {counted(max(0, withdrawn), 'delivery', 'deliveries')} withdrawn."
    )
    running = after.outcomes.get(State.RUNNING, 0)
    if running:
        still = counted(running, "delivery", "deliveries")
        click.echo(f"{still} running now will still end, and not be tried again.")


def _report(log: EventLog, number: int) -> Report:
    report = read_report(log, number)
    if report is None:
        raise click.ClickException(f"there is no replay {number}; see: hooks replays list")
    return report
