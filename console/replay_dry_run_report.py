"""What handlers would have done, in words and as JSON."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rich.text import Text

from console.handlers.description import nearby
from console.rendering import span
from console.replay_report import counted
from console.visible import visible_line
from eventlog.replays import COUNT_LIMIT
from workers.dry_run.messages import Findings, as_json

_STYLES = {"done": "green", "skipped": "dim", "waiting": "yellow", "dead": "red", "crashed": "red"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One handler that was run on one event, and what would have come of it."""

    event_id: str
    event_type: str
    handler: str
    findings: Findings

    @property
    def failed(self) -> bool:
        return self.findings.error is not None


def report_json(tried: Sequence[Tried], *, wanted: int, left: int) -> dict[str, Any]:
    return {
        "replay": None,
        "dry_run": "handlers",
        "events": wanted,
        "tried_events": len({one.event_id for one in tried}),
        "not_run": left,
        "trials": [
            {"event": one.event_id, "type": one.event_type, "handler": one.handler} | as_json(one.findings)
            for one in tried
        ],
    }


def event_line(one: Tried) -> Text:
    line = Text(visible_line(one.event_id), style="bold")
    return line.append(f"  {visible_line(one.event_type)}", style="not bold")


def finding_lines(one: Tried) -> Iterator[Text]:
    """Say what the handler would have done, in a line for each thing."""
    found = one.findings
    line = Text(f"  {one.handler}  ").append(found.outcome, style=_STYLES[found.outcome])
    yield line.append(f"  {visible_line(_how(found))}")
    for table, counts in found.rows.items():
        told = ", ".join(f"{number:,} {done}" for done, number in counts.items())
        yield Text(visible_line(f"    rows   {table}: {told}"))
    for verb, number in found.statements.items():
        yield Text(visible_line(f"    SQL    {counted(number, 'statement', 'statements')} {verb}"))
    calls = Counter((call.method, call.url) for call in found.calls)
    for (method, url), number in calls.items():
        yield Text(visible_line(f"    call   {method} {url}" + (f"  ({number} times)" if number > 1 else "")))
    if found.calls_left_out:
        yield Text(f"    call   and {found.calls_left_out:,} more")


def _how(found: Findings) -> str:
    words = [f"in {span(timedelta(milliseconds=found.milliseconds))}"]
    if found.retry_in_seconds is not None:
        uses_up = "" if found.uses_up_retry else ", using up no retry"
        words.append(f"; again in {span(timedelta(seconds=found.retry_in_seconds))}{uses_up}")
    if found.reason:
        words.append(f": {found.reason}")
    if found.error is not None:
        place = f" ({nearby(found.error.place)})" if found.error.place else ""
        first_line = found.error.message.strip().partition("\n")[0][:300]
        words.append(": " + ": ".join(part for part in (found.error.type, first_line) if part) + place)
    return "".join(words)


def summary(tried: Sequence[Tried], *, events: int, wanted: int, left: int) -> Iterator[str]:
    """Say what it came to."""
    if left:
        yield f"{counted(left, 'handler was', 'handlers were')} not run; see above."
    if wanted > events:
        rest = min(wanted, COUNT_LIMIT) - events
        over = "over " if wanted > COUNT_LIMIT else ""
        more = f"{over}{counted(rest, 'event', 'events')} more"
        yield f"{more} would be replayed; --limit says how many are tried."
    outcomes = Counter(one.findings.outcome for one in tried)
    told = ", ".join(f"{number:,} {outcome}" for outcome, number in outcomes.items())
    ran = f"{counted(len(tried), 'call', 'calls')} of handlers: {told}. " if tried else ""
    yield f"A dry run. {ran}Nothing was kept or sent."
