"""Which refused requests a command is about: named ones, or all."""

import functools
from collections.abc import Callable
from typing import Any, Final

import click

from eventlog.database import EventLog
from eventlog.rejects import Reject, RejectFilter, read_rejects

LARGEST_ID: Final = 2**63 - 1
NUMBER: Final = click.IntRange(1, LARGEST_ID)
_NAMED_AT_MOST: Final = 1000


def chosen(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the arguments `ID…` and the option `--all`, and call it with `ids`, or None for all."""

    @click.argument("ids", metavar="[ID]...", type=NUMBER, nargs=-1)
    @click.option("--all", "everything", is_flag=True, help="All that are kept.")
    @functools.wraps(command)
    def with_choice(*, ids: tuple[int, ...], everything: bool, **others: Any) -> None:  # noqa: ANN401
        if bool(ids) == everything:
            raise click.UsageError("name refused requests by their numbers, or say --all")
        if len(ids) > _NAMED_AT_MOST:
            raise click.UsageError(f"name at most {_NAMED_AT_MOST:,}, or say --all")
        command(ids=None if everything else ids, **others)

    return with_choice


def read_chosen(log: EventLog, ids: tuple[int, ...] | None) -> list[Reject]:
    """Read them, the oldest first; one that is named and not there fails the command."""
    found = read_rejects(log, RejectFilter(ids=ids))[::-1]
    missing = set(ids or ()) - {reject.id for reject in found}
    if missing:
        raise click.ClickException(
            f"there is no refused request {min(missing)} (the oldest give way to newer ones);"
            " see: hooks rejects list"
        )
    return found
