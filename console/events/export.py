"""`hooks events export`: the log as JSON lines, to be taken up where it ended; or an incident as a test."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Final

import click
from click.core import ParameterSource

from console.events import as_json
from console.events.filters import LARGEST_SEQ, selection_options, settled, text
from console.log import open_log
from console.visible import visible_line
from eventlog.database import EventLog
from eventlog.detail import read_detail
from eventlog.export import read_end, read_export_page
from eventlog.selection import Selection

_OF_A_TEST: Final = ("event_id", "handler", "output", "as_test", "in_full")
_AT_ONCE: Final = 100
"""Events in memory at a time: a body may have hundreds of kilobytes."""


@click.command("export")
@click.argument("event_id", metavar="[ID]", required=False, callback=text)
@selection_options
@click.option(
    "--cursor",
    type=click.IntRange(0, LARGEST_SEQ),
    default=0,
    help="Go on after this seq: that of the last line exported, or the one named at the end.",
)
@click.option("--limit", type=click.IntRange(1), help="Stop after this many events.")
@click.option("--output", default="-", metavar="FILE", help="A new file; without it, standard output.")
@click.option(
    "--pytest",
    "as_test",
    is_flag=True,
    help="The event with this ID as a test that fails as its handler did; its texts are replaced.",
)
@click.option("--no-redact", "in_full", is_flag=True, help="With --pytest: keep the texts of the event.")
@click.pass_context
def export_events(
    ctx: click.Context,
    /,
    *,
    event_id: str | None,
    selection: Selection,
    cursor: int,
    limit: int | None,
    output: str,
    as_test: bool,
    in_full: bool,
) -> None:
    """Write events as JSON lines, in order of arrival, each with its deliveries and its body.

    An export that goes on with --cursor gives each event exactly once, also after an interruption.

    With an ID and --pytest, write a test that runs the handler on that event.
    """
    if as_test or in_full or event_id is not None:
        _require_test_options(ctx, as_test=as_test, event_id=event_id)
        _write_test(event_id or "", selection.handler, output, in_full=in_full)
        return
    written_upto = cursor
    with closing(open_log()) as log, _opened(output) as stream:
        selection = settled(selection, log)
        try:
            for written_upto in _write(log, selection, stream, after=cursor, limit=limit):  # noqa: B007
                pass
        finally:
            click.echo(f"go on from here with: --cursor {written_upto}", err=True)


def _require_test_options(ctx: click.Context, *, as_test: bool, event_id: str | None) -> None:
    if event_id is None:
        raise click.UsageError("--pytest makes a test of one event: name it, as in export evt_123 --pytest")
    if not as_test:
        raise click.UsageError("an ID goes with --pytest; to choose events to export use the filters")
    for name in ctx.params:
        source = ctx.get_parameter_source(name)
        if name not in _OF_A_TEST and source is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.strip('_')} chooses among events, and the ID names one")


def _write_test(event_id: str, handler: str | None, output: str, *, in_full: bool) -> None:
    from console.events.incident import incident_test  # noqa: PLC0415 - it loads users' handlers

    with closing(open_log()) as log:
        event = read_detail(log, event_id)
    if event is None:
        raise click.ClickException(
            f"there is no event {visible_line(event_id)!r}; the newest are shown by: hooks events list"
        )
    test = incident_test(event, handler_name=handler, with_redaction=not in_full)
    with _opened(output) as stream:
        stream.write(test)


def _write(
    log: EventLog, selection: Selection, stream: IO[str], *, after: int, limit: int | None
) -> Iterator[int]:
    """Write the events, and give after each one the cursor that goes on behind it."""
    upto = read_end(log)
    left = limit
    finished = False
    while not finished and left != 0:
        at_once = _AT_ONCE if left is None else min(left, _AT_ONCE)
        page = read_export_page(log, selection, after=after, upto=upto, limit=at_once)
        for event in page.events:
            stream.write(json.dumps(as_json.exported(event)) + "\n")
            stream.flush()
            yield event.seq
        yield page.cursor
        after, finished = page.cursor, page.finished
        left = None if left is None else left - len(page.events)


@contextmanager
def _opened(output: str) -> Iterator[IO[str]]:
    if output == "-":
        yield sys.stdout
        return
    try:
        # Never over an earlier export: with --cursor the rest would replace its beginning.
        with Path(output).open("x", encoding="utf-8") as stream:
            yield stream
    except FileExistsError as error:
        raise click.ClickException(f"{output} exists already: name a new file") from error
    except OSError as error:
        raise click.ClickException(f"{output} can't be written: {error.strerror}") from error
