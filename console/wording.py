"""Errors in words that say what was wrong and what to do."""

import re
from typing import Final

from pydantic import ValidationError

_MAY_HOLD_A_SECRET: Final = re.compile("SECRET|KEY|TOKEN|URL")


def settings_errors(error: ValidationError) -> list[str]:
    """Word what was wrong with environment variables, one line each, never repeating a secret."""
    lines = []
    for detail in error.errors(include_url=False, include_context=True, include_input=True):
        reason = detail["msg"].removeprefix("Value error, ")
        if not detail["loc"]:
            # It concerns several variables, and names them; what was given is all of them, secrets too.
            lines.append(reason)
            continue
        variable = str(detail["loc"][0])
        if detail["type"] == "missing":
            lines.append(
                f"{variable}: is not set, and there is no default; set it in the environment or in .env"
            )
            continue
        given = "" if _MAY_HOLD_A_SECRET.search(variable) else f" {detail['input']!r} was given;"
        lines.append(f"{variable}:{given} {reason[:1].lower()}{reason[1:]}")
    return lines
