"""The `hooks doctor` command: runs every check, whatever the others find, and reports."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Final

import click
from pydantic import ValidationError
from rich.text import Text

from console.doctor.backlog import check_dead, check_overdue, check_unclaimed
from console.doctor.configuration import check_secret, check_settings
from console.doctor.finding import Finding, Level, problem
from console.doctor.processes import check_processes, check_redis
from console.doctor.storage import check_durability, open_usable_log
from console.doctor.user_code import check_handlers
from console.rendering import show, show_json
from console.visible import visible
from eventlog.database import EventLog
from workers.queue.settings import QueueSettings

_OF_THE_LOG: Final = {
    "durability": check_durability,
    "processes": check_processes,
    "stranded": check_overdue,
    "backlog": check_unclaimed,
    "dead": check_dead,
}
_MARKS: Final = {
    Level.OK: ("ok", "green"),
    Level.WARNING: ("warning", "yellow"),
    Level.PROBLEM: ("problem", "bold red"),
}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def doctor(*, as_json: bool) -> None:
    """Check that everything works and that nothing accepted is stranded.

    Ends with exit code 1 if there is a problem; warnings alone end with 0.
    """
    found: list[Finding] = []
    for finding in _examine():
        found.append(finding)
        if not as_json:
            _show(finding)
    problems = sum(finding.level is Level.PROBLEM for finding in found)
    if as_json:
        show_json({"ok": not problems, "findings": [_as_json(finding) for finding in found]})
    else:
        warnings = sum(finding.level is Level.WARNING for finding in found)
        show(Text(f"\n{_count(problems, 'problem')}, {_count(warnings, 'warning')}"))
    if problems:
        raise click.exceptions.Exit(1)


def _examine() -> Iterator[Finding]:
    yield from _guarded("settings", check_settings)
    yield from _guarded("webhook secret", check_secret)
    yield from _guarded("database", _check_log)
    yield from _guarded("redis", lambda: check_redis(QueueSettings()))
    yield from _guarded("handlers", check_handlers)


def _check_log() -> Iterator[Finding]:
    log, finding = open_usable_log()
    yield finding
    if log is None:
        return
    with closing(log):
        for name, check in _OF_THE_LOG.items():
            yield from _guarded(name, _on(check, log))


def _on(check: Callable[[EventLog], Iterable[Finding]], log: EventLog) -> Callable[[], Iterable[Finding]]:
    return lambda: check(log)


def _guarded(name: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except ValidationError:
        yield problem(name, "not checked, for its settings are wrong", "correct them first")
    except Exception as error:  # noqa: BLE001 - one check that fails must not stop the others
        yield problem(name, f"can't be checked: {type(error).__name__}: {error}", "see the message")


def _show(finding: Finding) -> None:
    word, style = _MARKS[finding.level]
    line = Text.assemble((f"{word:<8}", style), f" {finding.check}: {visible(finding.message)}")
    show(line if finding.todo is None else line.append(f"\n{'':<8} -> {visible(finding.todo)}"))


def _as_json(finding: Finding) -> dict[str, str | None]:
    return {
        "check": finding.check,
        "level": finding.level.value,
        "message": finding.message,
        "todo": finding.todo,
    }


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
