"""An option that takes JSON: itself, from a file (`@file`), or from standard input (`@-`)."""

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import click


class JsonText(click.ParamType[str]):
    """Any JSON value, checked, and then kept as it was written, to the last digit."""

    name = "JSON|@FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401
        text, origin = str(value), ""
        if text.startswith("@"):
            text, origin = self._read(text[1:], param, ctx), f" in {text[1:]}"
        try:
            # Numbers stay text: Python refuses integers of over 4,300 digits, and JSON does not.
            json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse_constant)
            text.encode()
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}{origin}"
            self.fail(f"this is not JSON: {error.msg} at {place}", param, ctx)
        except (RecursionError, ValueError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            self.fail(f"this is not JSON{origin}: {reason}", param, ctx)
        return text

    def _read(self, name: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return (sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()).decode()
        except OSError as error:
            self.fail(f"{name} can't be read: {error.strerror}", param, ctx)
        except UnicodeDecodeError as error:
            self.fail(f"{name} is not UTF-8: byte {error.start} does not belong", param, ctx)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"JSON knows no {name}")
