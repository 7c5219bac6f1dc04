"""The options that `register` and `rotate` share."""

import functools
from collections.abc import Callable
from typing import Any

import click

from console.webhooks.carrying_out import Options
from console.webhooks.event_types import EventTypes


def change_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the argument `URL` and these options, and call it with `url`, `events` and `options`."""

    @click.argument("url")
    @click.option(
        "--events",
        type=EventTypes(),
        help="Which types, such as agent.*,memory.stored; else all, or those of the one that is replaced.",
    )
    @click.option(
        "--print", "prints", is_flag=True, help="Print the secret, for a receiver that runs on another host."
    )
    @click.option(
        "--no-check", "unchecked", is_flag=True, help="Go on where the URL does not answer from here."
    )
    @functools.wraps(command)
    def with_options(*, prints: bool, unchecked: bool, **others: Any) -> None:  # noqa: ANN401
        settle_seconds = others.pop("settle_seconds", 0.0)
        options = Options(prints=prints, checks=not unchecked, settle_seconds=settle_seconds)
        command(options=options, **others)

    return with_options
