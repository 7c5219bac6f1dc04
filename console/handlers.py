"""`hooks handlers`: what is registered, from where, and with which policy."""

import json
from pathlib import Path
from typing import Any, Final

import click

from handlers.discovery import discover, warnings_for
from handlers.errors import HandlerError
from handlers.registration import Handler
from handlers.router import Router
from handlers.settings import HandlerSettings

_NONE: Final = (
    "No handlers are registered. Write one in handlers/custom/, or name a module in HOOKS_HANDLERS."
)


@click.group("handlers")
def handlers() -> None:
    """Look at the registered handlers."""


@handlers.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_handlers(*, as_json: bool) -> None:
    """List what is registered, in the order in which handlers run."""
    router = registered()
    warnings = warnings_for(router)
    if as_json:
        listed = [_json(handler) for handler in router.handlers]
        click.echo(json.dumps({"handlers": listed, "warnings": warnings}, indent=2))
        return
    click.echo("\n\n".join(_block(handler) for handler in router.handlers) or _NONE)
    for warning in warnings:
        click.echo(f"\nwarning: {warning}", err=True)


def registered() -> Router:
    """Find all handlers; what is wrong with one ends the command with its message."""
    try:
        return discover(HandlerSettings())
    except HandlerError as error:
        raise click.ClickException(str(error)) from error


def _block(handler: Handler) -> str:
    retry = handler.retry
    retries = "none"
    if retry.retries:
        backoff = f"after {_length(retry.base_seconds)}, doubling up to {_length(retry.cap_seconds)}"
        retries = f"{retry.retries}, the first {backoff}, up to {retry.jitter:.0%} less by chance"
    types = click.wrap_text(", ".join(handler.patterns), 78, "  events   ", "           ")
    return "\n".join(
        (
            click.style(handler.name, bold=True),
            types,
            f"  retries  {retries}",
            f"  timeout  {_length(handler.timeout_seconds)}",
            f"  defined  {_nearby(handler.source)}",
        )
    )


def _json(handler: Handler) -> dict[str, Any]:
    file, _, line = handler.source.rpartition(":")
    return {
        "name": handler.name,
        "patterns": handler.patterns,
        "retries": handler.retry.retries,
        "backoff": {
            "base_seconds": handler.retry.base_seconds,
            "cap_seconds": handler.retry.cap_seconds,
            "jitter": handler.retry.jitter,
        },
        "timeout_seconds": handler.timeout_seconds,
        "file": file or None,
        "line": int(line) if line.isdigit() else None,
        "version": handler.version,
    }


def _length(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _nearby(source: str) -> str:
    """Shorten a path inside the working directory."""
    here = Path.cwd()
    return str(Path(source).relative_to(here)) if Path(source).is_relative_to(here) else source
