"""`hooks handlers list`: what is registered, with its policy and what came of it lately."""

import json
from typing import Final

import click

from console.handlers.description import as_json, block
from console.handlers.last_hour import read_last_hour
from console.handlers.registered import registered
from handlers.discovery import turned_off, warnings_for
from handlers.settings import HandlerSettings

_NONE: Final = (
    "No handlers are registered. Write one: hooks handlers new NAME --on memory.stored\n"
    "Or name a module that has some in HOOKS_HANDLERS."
)


@click.command("list")
@click.option("--json", "json_output", is_flag=True, help="Print JSON.")
def list_handlers(*, json_output: bool) -> None:
    """List what is registered, in the order in which handlers run."""
    router = registered()
    warnings = warnings_for(router)
    last_hour = read_last_hour(router.handlers)
    off = turned_off(HandlerSettings())
    if json_output:
        listed = [as_json(handler, last_hour) for handler in router.handlers]
        told = {
            "handlers": listed,
            "turned_off": [{"name": name, "variable": variable} for name, variable in off],
            "warnings": warnings,
            "last_hour_unknown": last_hour.unknown_because,
        }
        click.echo(json.dumps(told, indent=2))
        return
    click.echo("\n\n".join(block(handler, last_hour) for handler in router.handlers) or _NONE)
    if off:
        click.echo("\nOff until their settings are on (docs/handlers.md):")
        for name, variable in off:
            click.echo(f"  {name.ljust(max(len(name) for name, _ in off))}  {variable}")
    for warning in warnings:
        click.echo(f"\nwarning: {warning}", err=True)
    if last_hour.unknown_because:
        click.echo(f"\nthe last hour is not known: {last_hour.unknown_because}", err=True)
