"""`hooks handlers show NAME`: one handler with its source, and how to try it."""

import difflib
import json
import sys
from collections.abc import Iterator
from textwrap import indent
from typing import Final

import click

from console.handlers.description import as_json, block, nearby
from console.handlers.last_hour import read_last_hour
from console.handlers.registered import registered
from console.handlers.sample import sample_type
from console.handlers.scaffold import text_of_event
from console.own_command import own_command
from console.visible import visible
from handlers.discovery import turned_off
from handlers.registration import Handler
from handlers.router import Router
from handlers.settings import HandlerSettings
from handlers.source import text_of

_LINES: Final = 200


@click.command("show")
@click.argument("name")
@click.option("--json", "json_output", is_flag=True, help="Print JSON.")
def show_handler(*, name: str, json_output: bool) -> None:
    """Show a handler: its policy, what came of it in the last hour, its source, and how to try it."""
    handler = _named(registered(), name)
    last_hour = read_last_hour([handler])
    source = text_of(handler.function)
    if json_output:
        told = as_json(handler, last_hour) | {
            "source": source,
            "last_hour_unknown": last_hour.unknown_because,
        }
        click.echo(json.dumps(told, indent=2))
        return
    click.echo(block(handler, last_hour))
    click.echo(f"\n{click.style('Source', bold=True)}  {nearby(handler.source)}\n")
    click.echo(indent(_bounded(source), "  "))
    click.echo(f"\n{click.style('To try it', bold=True)}\n")
    click.echo("\n".join(f"  {line}".rstrip() for line in _how_to_try(handler)))
    if last_hour.unknown_because:
        click.echo(f"\nthe last hour is not known: {last_hour.unknown_because}", err=True)


def _named(router: Router, name: str) -> Handler:
    names = [handler.name for handler in router.handlers]
    if name in names:
        return router.handlers[names.index(name)]
    variable = dict(turned_off(HandlerSettings())).get(name)
    if variable is not None:
        raise click.ClickException(f"{name!r} is off: {variable} turns it on (docs/handlers.md)")
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "hooks handlers list shows all"
    raise click.ClickException(f"no handler is named {name!r}: {hint}")


def _bounded(source: str | None) -> str:
    if source is None:
        return "There is no source to read."
    lines = visible(source).rstrip().split("\n")
    more = [f"… and {len(lines) - _LINES} more lines"] if len(lines) > _LINES else []
    return "\n".join([*lines[:_LINES], *more])


def _how_to_try(handler: Handler) -> Iterator[str]:
    command, event_type = own_command(), sample_type(handler.patterns)
    yield f"{command} trigger {event_type}"
    yield f"{command} replay EVENT_ID --handler {handler.name}"
    if (name := _importable(handler)) is None:
        return
    yield ""
    yield "from handlers.testing import make_event, run"
    yield f"from {handler.function.__module__} import {name}"
    yield ""
    yield from text_of_event(event_type).splitlines()
    yield f"print(run({name}, event).outcome)"


def _importable(handler: Handler) -> str | None:
    """Give the name under which its module holds the function, None where it does not."""
    name = getattr(handler.function, "__name__", "")
    module = sys.modules.get(getattr(handler.function, "__module__", ""))
    return name if module is not None and getattr(module, name, None) is handler.function else None
