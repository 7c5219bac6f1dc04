"""The option `--events`: which types of events a webhook is for."""

from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, Final

import click

from clients.chaozcode.webhooks import EVENT_TYPES

_ALL: Final = ("*", "all")


class EventTypes(click.ParamType[tuple[str, ...]]):
    """Documented types, separated by commas or spaces; `agent.*` is all of a family."""

    name = "TYPE,…"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        asked = str(value).replace(",", " ").split()
        if not asked:
            self.fail(f"name at least one of {', '.join(EVENT_TYPES)}", param, ctx)
        found = {each for word in asked for each in self._expanded(word, param, ctx)}
        return tuple(each for each in EVENT_TYPES if each in found)

    def _expanded(
        self, word: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if word in _ALL:
            return EVENT_TYPES
        if found := tuple(each for each in EVENT_TYPES if fnmatchcase(each, word)):
            return found
        close = get_close_matches(word.lower(), EVENT_TYPES, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(EVENT_TYPES)}"
        return self.fail(f"ChaozCode sends no events of type {word!r}; {hint}", param, ctx)
