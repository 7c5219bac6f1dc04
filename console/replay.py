"""`hooks replay`: run stored events through their handlers again."""

import getpass
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import closing
from typing import Final

import click

from console.handlers import registered
from console.log import open_log
from console.rendering import show_json
from console.replay_plan import Handlers, count_words, show_plan
from console.replay_report import read_report, report_json, show_outcome
from console.replay_request import Request, given_text, replay_request
from console.replay_watch import missing_processes, watch
from eventlog.database import EventLog
from eventlog.replay_preview import preview, unknown_ids
from eventlog.replays import COUNT_LIMIT, ReplayState, create

_LISTED_AT_MOST: Final = 100


@click.command("replay")
@replay_request
@click.option("--rate", type=click.IntRange(min=1), help="At most so many events a second.")
@click.option("--reason", callback=given_text, help="Why; kept with the replay.")
@click.option("--dry-run", is_flag=True, help="List what would be replayed; change nothing.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--no-wait", is_flag=True, help="Return as soon as the replay is recorded.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
def replay(
    *,
    request: Request,
    rate: int | None,
    reason: str | None,
    dry_run: bool,
    yes: bool,
    no_wait: bool,
    as_json: bool,
) -> None:
    """Run stored events through their handlers again: those given, or those to which all filters apply.

    Handlers that had succeeded run again too, unless --only-failed says otherwise.
    """
    handlers = _handlers(request.handler)
    with closing(open_log()) as log:
        _require_known(log, request.selection.ids)
        listed = _LISTED_AT_MOST if dry_run else 0
        found = preview(log, request.selection, handlers, only_failed=request.only_failed, listed=listed)
        click.echo(count_words(found, handlers, only_failed=request.only_failed), err=as_json)
        if dry_run:
            show_plan(found, handlers, as_json=as_json)
        elif found.wanted:
            _confirm(sure=yes or bool(request.selection.ids))
            replay_id = create(
                log,
                selection=request.selection,
                handlers=handlers,
                only_failed=request.only_failed,
                rate=rate,
                who=_who(),
                reason=reason,
            )
            _follow(log, replay_id, found.selected, wait=not no_wait, as_json=as_json)
        else:
            if as_json:
                show_json({"replay": None, "events": 0})
            # Who names an event wants it run; that nothing could be is a failure then.
            raise click.exceptions.Exit(1 if request.selection.ids else 0)


def _handlers(only: str | None) -> Handlers:
    patterns = {handler.name: handler.patterns for handler in registered().handlers}
    if not patterns:
        raise click.ClickException("there are no handlers to run; see: hooks handlers list")
    if only is None:
        return patterns
    if only not in patterns:
        raise click.ClickException(f"there is no handler {only!r}; registered are {', '.join(patterns)}")
    return {only: patterns[only]}


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


def _who() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # no name for this uid, as in many containers
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


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
    failed = report.dead or (wait and report.replay.state is ReplayState.CANCELLED)
    raise click.exceptions.Exit(1 if failed else 0)
