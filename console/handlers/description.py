"""One handler, in words and as JSON."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click

from console.handlers.last_hour import LastHour, in_words
from handlers.duration import in_words as time_in_words
from handlers.pace import Pace
from handlers.registration import Handler

_LABEL_WIDTH: Final = 11
_WIDTH: Final = 78


def block(handler: Handler, last_hour: LastHour) -> str:
    """Describe a handler in a few lines."""
    lines = [click.style(handler.name, bold=True)]
    for label, text in _facts(handler, last_hour):
        first = f"  {label.ljust(_LABEL_WIDTH)}"
        lines.append(click.wrap_text(text, _WIDTH, first, " " * len(first)))
    file = nearby(handler.source)
    lines.append(f"  {'defined'.ljust(_LABEL_WIDTH)}{file}, version {handler.version}")  # never folded
    return "\n".join(lines)


def as_json(handler: Handler, last_hour: LastHour) -> dict[str, Any]:
    """Describe a handler for machines."""
    file, _, line = handler.source.rpartition(":")
    rate = handler.pace.rate
    outcomes = last_hour.outcomes.get(handler.name)
    return {
        "name": handler.name,
        "patterns": handler.patterns,
        **handler.retry.to_json(),
        "timeout_seconds": handler.timeout_seconds,
        "queue": handler.pace.queue_name,
        "order": handler.pace.order,
        "on_dead": handler.pace.on_dead,
        "concurrency": handler.pace.concurrency,
        "rate": rate and {"starts": rate.starts, "period_seconds": rate.period.total_seconds()},
        "dry_run": handler.dry_run,
        "file": file or None,
        "line": int(line) if line.isdigit() else None,
        "version": handler.version,
        "last_hour": outcomes
        and {
            "outcomes": {state.value: count for state, count in outcomes.counts.items()},
            "is_complete": outcomes.is_complete,
        },
    }


def nearby(source: str) -> str:
    """Shorten a path inside the working directory."""
    here = Path.cwd()
    return str(Path(source).relative_to(here)) if Path(source).is_relative_to(here) else source


def _facts(handler: Handler, last_hour: LastHour) -> Iterator[tuple[str, str]]:
    yield "events", ", ".join(handler.patterns)
    yield "retries", str(handler.retry)
    yield "timeout", time_in_words(timedelta(seconds=handler.timeout_seconds))
    if pace := "; ".join(_pace(handler.pace)):
        yield "runs", pace
    if handler.dry_run:
        yield "dry run", "yes: it acts through its context alone"
    outcomes = last_hour.outcomes.get(handler.name)
    yield "last hour", "not known" if outcomes is None else in_words(outcomes)


def _pace(pace: Pace) -> Iterator[str]:
    if pace.queue is not None:
        yield f"in the queue {pace.queue!r}, with workers of its own"
    if pace.order is not None:
        held = ", a dead one holding the rest" if pace.on_dead == "hold" else ""
        yield f"the events of a subject one by one, in the order of their arrival{held}"
    if pace.concurrency is not None:
        yield f"at most {pace.concurrency} at a time"
    if pace.rate is not None:
        yield f"at most {pace.rate.starts} in {time_in_words(pace.rate.period)}"
