"""`--dry-run` alone or `--dry-run=handlers`, which never takes the word after it for its value."""

from itertools import islice
from typing import Final

import click

LIST: Final = "list"
HANDLERS: Final = "handlers"

EVENTS_UNLESS_SAID: Final = 100
EVENTS_AT_MOST: Final = 1000
"""On so many, handlers are tried."""

_NAME: Final = "--dry-run"


class DryRunOption(click.Option):
    """Its help shows that the value may be left out."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        return record and (f"{_NAME}[={HANDLERS}]", record[1])


class DryRunCommand(click.Command):
    """A command with a `DryRunOption`.

    click's own options with an optional value eat the next word: `--dry-run evt_1` would ask for a dry run of
    the kind `evt_1`.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._with_value(ctx, args))

    def _with_value(self, ctx: click.Context, args: list[str]) -> list[str]:
        taking = {
            name
            for option in self.get_params(ctx)
            if isinstance(option, click.Option) and not option.is_flag and _NAME not in option.opts
            for name in option.opts
        }
        given: list[str] = []
        rest = iter(args)
        for word in rest:
            given.append(f"{_NAME}={LIST}" if word == _NAME else word)
            if word == "--":
                break
            if word in taking:  # what follows is its value, whatever it looks like
                given.extend(islice(rest, 1))
        return [*given, *rest]
