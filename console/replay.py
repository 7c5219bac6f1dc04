"""`hooks replay`: run stored events through their handlers again."""

import sys
from collections.abc import Sequence
from contextlib import closing
from typing import Final

import click

from console.dry_run_option import (
    EVENTS_AT_MOST,
    EVENTS_UNLESS_SAID,
    HANDLERS,
    LIST,
    DryRunCommand,
    DryRunOption,
)
from console.handlers import registered
from console.log import open_log
from console.rendering import show_json
from console.replay_code import settled
from console.replay_plan import count_words, nothing_by_version, show_plan
from console.replay_report import read_report, report_json, show_outcome
from console.replay_request import Request, given_text, replay_request
from console.replay_watch import missing_processes, watch
from console.who import who
from eventlog.database import EventLog
from eventlog.replay_preview import preview, unknown_ids
from eventlog.replays import COUNT_LIMIT, ReplayState, create
from handlers.registration import Handler

_LISTED_AT_MOST: Final = 100


@click.command("replay", cls=DryRunCommand)
@replay_request
@click.option("--rate", type=click.IntRange(min=1), help="Make at most so many deliveries a second.")
@click.option(
    "--keep-effects", is_flag=True, help="Don't repeat steps of ctx.once() that earlier runs have on record."
)
@click.option(
    "--canary",
    is_flag=True,
    help="Run one delivery, then ten, then all; stop when that of --fingerprint (else any) fails again.",
)
@click.option("--reason", callback=given_text, help="Why; kept with the replay.")
@click.option(
    "--dry-run",
    cls=DryRunOption,
    type=click.Choice([LIST, HANDLERS]),
    help=(
        "List what would be replayed; change nothing. --dry-run=handlers runs the handlers that declare "
        "dry_run=True, and tells which rows they would write and what they would send; nothing is kept or "
        "sent."
    ),
)
@click.option(
    "--limit",
    type=click.IntRange(min=1, max=EVENTS_AT_MOST),
    help=f"With --dry-run=handlers: how many events to try, unless {EVENTS_UNLESS_SAID}.",
)
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--no-wait", is_flag=True, help="Return as soon as the replay is recorded.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
def replay(  # noqa: PLR0913 - one for each option
    *,
    request: Request,
    rate: int | None,
    keep_effects: bool,
    canary: bool,
    reason: str | None,
    dry_run: str | None,
    limit: int | None,
    yes: bool,
    no_wait: bool,
    as_json: bool,
) -> None:
    """Run stored events through their handlers again: those given, or those to which all filters apply.

    Handlers that had succeeded run again too, unless --only-failed says otherwise.
    """
    if limit is not None and dry_run != HANDLERS:
        raise click.UsageError("--limit is for --dry-run=handlers")
    chosen = _handlers(request.handler)
    handlers = {handler.name: handler.patterns for handler in chosen}
    with closing(open_log()) as log:
        request = settled(request, log, chosen)
        _require_known(log, request.selection.ids)
        listed = (limit or EVENTS_UNLESS_SAID) if dry_run == HANDLERS else _LISTED_AT_MOST if dry_run else 0
        found = preview(log, request.selection, handlers, only_failed=request.only_failed, listed=listed)
        click.echo(count_words(found, handlers, only_failed=request.only_failed), err=as_json)
        if hint := nothing_by_version(found, request.selection.last_run):
            click.echo(hint, err=True)
        if dry_run == HANDLERS:
            # Loaded where it is wanted: with it comes RQ, a fifth of the time until a replay is recorded.
            from console.replay_dry_run import dry_run_handlers  # noqa: PLC0415

            dry_run_handlers(log, request, handlers, found, as_json=as_json)
        elif dry_run:
            show_plan(found, handlers, as_json=as_json)
        elif found.wanted:
            _confirm(sure=yes or bool(request.selection.ids))
            replay_id = create(
                log,
                selection=request.selection,
                handlers=handlers,
                only_failed=request.only_failed,
                rate=rate,
                keep_effects=keep_effects,
                canary=canary,
                who=who(),
                reason=reason,
            )
            _follow(log, replay_id, found.selected, wait=not no_wait, as_json=as_json)
        else:
            if as_json:
                show_json({"replay": None, "events": 0})
            # Who names an event wants it run; that nothing could be is a failure then.
            raise click.exceptions.Exit(1 if request.selection.ids else 0)


def _handlers(only: str | None) -> Sequence[Handler]:
    found = registered().handlers
    if not found:
        raise click.ClickException("there are no handlers to run; see: hooks handlers list")
    chosen = [handler for handler in found if only in (None, handler.name)]
    if not chosen:
        names = ", ".join(handler.name for handler in found)
        raise click.ClickException(f"there is no handler {only!r}; registered are {names}")
    return chosen


def _require_known(log: EventLog, ids: Sequence[str]) -> None:
    unknown = unknown_ids(log, ids)
    if unknown:
        raise click.ClickException(
            f"not in the log, so nothing was replayed: {', '.join(map(repr, unknown))}"
        )


def _confirm(*, sure: bool) -> None:
    if sure:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(
            "nobody can be asked here: add --yes to replay them, or --dry-run to list them"
        )
    if not click.confirm("Replay?", err=True):
        raise click.ClickException("nothing was replayed")


def _follow(log: EventLog, replay_id: int, events: int, *, wait: bool, as_json: bool) -> None:
    click.echo(f"Replay {replay_id} is recorded.", err=as_json)
    missing = missing_processes(log)
    try:
        if wait and not missing:
            watch(log, replay_id, total=events if events <= COUNT_LIMIT else None)
            missing = missing_processes(log)
    except KeyboardInterrupt:
        click.echo(f"The replay goes on; see: hooks replays show {replay_id}", err=as_json)
        wait = False
    report = read_report(log, replay_id)
    assert report is not None  # noqa: S101 - replays are never removed
    if missing and report.is_at_work:
        commands = " and ".join(f"`hooks {process}`" for process in missing)
        verb = "run" if len(missing) > 1 else "runs"
        click.echo(f"It goes on when {commands} {verb}, or `hooks up`, which runs all.", err=as_json)
    elif wait and not as_json:
        show_outcome(report)
    if as_json:
        show_json(report_json(report))
    is_stopped = report.replay.state is ReplayState.STOPPED
    failed = report.dead or is_stopped or (wait and report.replay.state is ReplayState.CANCELLED)
    raise click.exceptions.Exit(1 if failed else 0)
