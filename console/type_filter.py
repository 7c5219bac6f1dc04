"""An option that chooses events by their type."""

import re
from typing import Any, Final

import click

_TYPE: Final = re.compile(r"\*|[^*]+(\.\*)?")


class TypeFilter(click.ParamType[str]):
    """A type, a family such as `memory.*`, or `*`."""

    name = "TYPE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401
        text = str(value)
        if not text:
            self.fail("this is empty; was a variable unset?", param, ctx)
        if _TYPE.fullmatch(text) is None:
            self.fail(f"{text!r}: write a type (memory.stored), a family (memory.*) or * for all", param, ctx)
        return text
