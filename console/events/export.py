"""`hooks events export`: the log as JSON lines, to be taken up again where it ended."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Final

import click

from console.events import as_json
from console.events.filters import LARGEST_SEQ, selection_options
from console.log import open_log
from eventlog.database import EventLog
from eventlog.export import read_end, read_export_page
from eventlog.selection import Selection

_AT_ONCE: Final = 100
"""Events in memory at a time: a body may have hundreds of kilobytes."""


@click.command("export")
@selection_options
@click.option(
    "--cursor",
    type=click.IntRange(0, LARGEST_SEQ),
    default=0,
    help="Go on after this seq: that of the last line exported, or the one named at the end.",
)
@click.option("--limit", type=click.IntRange(1), help="Stop after this many events.")
@click.option("--output", default="-", metavar="FILE", help="A new file; without it, standard output.")
def export_events(*, selection: Selection, cursor: int, limit: int | None, output: str) -> None:
    """Write events as JSON lines, in order of arrival, each with its deliveries and its body.

    An export that goes on with --cursor gives each event exactly once, also after an interruption.
    """
    written_upto = cursor
    with closing(open_log()) as log, _opened(output) as stream:
        try:
            for written_upto in _write(log, selection, stream, after=cursor, limit=limit):  # noqa: B007
                pass
        finally:
            click.echo(f"go on from here with: --cursor {written_upto}", err=True)


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
