"""`hooks replay --dry-run=handlers`: run handlers for real, and only tell what they would do."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import click

from console.handlers import registered
from console.rendering import show, show_json
from console.replay_dry_run_report import Tried, event_line, finding_lines, report_json, summary
from console.replay_plan import Handlers
from console.replay_request import Request
from eventlog.database import EventLog
from eventlog.replay_preview import Preview, PreviewedEvent, preview
from eventlog.selection import Selection
from handlers.pattern import matches
from handlers.registration import Handler
from workers.dry_run.messages import Trial
from workers.dry_run.parent import DryRunImpossible, Trials

_COMMAND: Final = (sys.executable, "-m", "console.dry_run_child")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """One handler that is to be run on one event."""

    event: PreviewedEvent
    handler: Handler


def dry_run_handlers(
    log: EventLog, request: Request, handlers: Handlers, found: Preview, *, as_json: bool
) -> None:
    """Run the handlers on the first events that a replay would choose, and report; ends the command."""
    functions = {handler.name: handler for handler in registered().handlers}
    planned = [
        _Planned(event=event, handler=functions[name])
        for event, names in _wanted(log, request, handlers, found.first)
        for name in names
    ]
    _require_declared(planned)
    tried: list[Tried] = []
    try:
        for one in _try(planned):
            if not as_json:
                _show(one, after=tried[-1] if tried else None)
            tried.append(one)
    except DryRunImpossible as error:
        # What was tried was told; the process itself has said why it can't go on.
        click.echo(f"hooks: {error}", err=True)
    left = len(planned) - len(tried)
    if as_json:
        show_json(report_json(tried, wanted=found.wanted, left=left))
    else:
        show(*summary(tried, events=len(found.first), wanted=found.wanted, left=left))
    nothing_to_do = not planned and bool(request.selection.ids)
    raise click.exceptions.Exit(1 if left or nothing_to_do or any(one.failed for one in tried) else 0)


def _wanted(
    log: EventLog, request: Request, handlers: Handlers, listed: Sequence[PreviewedEvent]
) -> Iterator[tuple[PreviewedEvent, Sequence[str]]]:
    failed = _failed(log, handlers, listed) if request.only_failed else None
    for event in listed:
        if event.handlers is not None:
            yield event, event.handlers
            continue
        yield (
            event,
            [
                name
                for name, patterns in handlers.items()
                if any(matches(pattern, event.type) for pattern in patterns)
                and (failed is None or event.id in failed[name])
            ],
        )


def _failed(log: EventLog, handlers: Handlers, listed: Sequence[PreviewedEvent]) -> Mapping[str, set[str]]:
    """Find, for each handler, the events on which its last run ended dead."""
    if not listed:
        return {}
    ids = Selection(ids=tuple(event.id for event in listed))
    return {
        name: {
            event.id
            for event in preview(log, ids, {name: patterns}, only_failed=True, listed=len(listed)).first
        }
        for name, patterns in handlers.items()
    }


def _require_declared(planned: Sequence[_Planned]) -> None:
    undeclared = {one.handler.name: one.handler for one in planned if not one.handler.dry_run}
    if undeclared:
        named = "\n".join(f"  {name} ({handler.source})" for name, handler in undeclared.items())
        many = len(undeclared) > 1
        declared = sorted({one.handler.name for one in planned} - undeclared.keys())
        others = f". Or try one that does, with --handler: {', '.join(declared)}" if declared else ""
        raise click.UsageError(
            f"nothing was run, because {'these handlers do' if many else 'this handler does'} not say that "
            f"{'they' if many else 'it'} may be called in a dry run:\n{named}\n"
            "If all that one does to others goes through its context (ctx.http, ctx.chaozcode, ctx.chucky, "
            f"ctx.transaction), add dry_run=True to its @router.on(...){others}"
        )


def _try(planned: Sequence[_Planned]) -> Iterator[Tried]:
    trials = {
        Trial(
            event_id=one.event.id, handler=one.handler.name, timeout_seconds=one.handler.timeout_seconds
        ): one
        for one in planned
    }
    with Trials(_COMMAND) as process:
        for trial, findings in process.run(trials):
            one = trials[trial]
            yield Tried(
                event_id=one.event.id,
                event_type=one.event.type,
                handler=one.handler.name,
                findings=findings,
            )


def _show(one: Tried, *, after: Tried | None) -> None:
    if after is None or after.event_id != one.event_id:
        show(event_line(one))
    show(*finding_lines(one))
