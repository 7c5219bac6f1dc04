"""The `hooks doctor` command: checks everything, mends if asked, and reports."""

import sys
from typing import Final

import click
from rich.text import Text

from console.doctor.examination import examine
from console.doctor.finding import Finding, Level
from console.rendering import show, show_json
from console.visible import visible
from eventlog.reconciliation.search import Extent, Part

_MARKS: Final = {
    Level.OK: ("ok", "green"),
    Level.MENDED: ("mended", "cyan"),
    Level.WARNING: ("warning", "yellow"),
    Level.PROBLEM: ("problem", "bold red"),
}


@click.command("doctor")
@click.option("--fix", is_flag=True, help="Mend what can safely be mended, and tell what was done.")
@click.option(
    "--all",
    "whole",
    is_flag=True,
    help="Go through the whole log, part by part; not only through what is unfinished and what is newest.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def doctor(*, fix: bool, whole: bool, as_json: bool) -> None:
    """Check that everything works and that nothing accepted is stranded.

    Ends with exit code 1 if a problem remains; warnings alone end with 0. Without --fix nothing is changed.
    """
    found: list[Finding] = []
    for finding in examine(fix=fix, progress=_tell_progress if whole else None):
        found.append(finding)
        if not as_json:
            _show(finding)
    counts = {level: sum(finding.level is level for finding in found) for level in Level}
    problems = counts[Level.PROBLEM]
    if as_json:
        show_json({"ok": not problems, "findings": [_as_json(finding) for finding in found]})
    else:
        words = f"{_count(problems, 'problem')}, {_count(counts[Level.WARNING], 'warning')}"
        show(Text(f"\n{words}, {counts[Level.MENDED]} mended" if fix else f"\n{words}"))
    if problems:
        raise click.exceptions.Exit(1)


def _tell_progress(part: Part, extent: Extent) -> None:
    """Say where it is, to people who watch."""
    if sys.stderr.isatty():
        click.echo(f"\r{part.after:,} of {extent.last_seq:,} events ... ", err=True, nl=False)
        if part.upto == extent.last_seq:
            click.echo("\r\x1b[K", err=True, nl=False)


def _show(finding: Finding) -> None:
    word, style = _MARKS[finding.level]
    line = Text.assemble((f"{word:<8}", style), f" {finding.check}: {visible(finding.message)}")
    show(line if finding.todo is None else line.append(f"\n{'':<8} -> {visible(finding.todo)}"))


def _as_json(finding: Finding) -> dict[str, str | list[str] | None]:
    return {
        "check": finding.check,
        "level": finding.level.value,
        "message": finding.message,
        "todo": finding.todo,
        "ids": list(finding.ids),
    }


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
