"""Whose a file of code is: the user's, or Python's, a library's and ours."""

import os
import sysconfig
from pathlib import Path
from typing import Final

from . import builtin, custom

_ROOT: Final = Path(__file__).parents[1]
_OURS: Final = tuple(
    f"{_ROOT / package}{os.sep}"
    for package in (
        "clients",
        "console",
        "eventlog",
        "handlers",
        "hooks_testkit",
        "receiver",
        "sandbox",
        "workers",
    )
)
_INSTALLED: Final = tuple(
    f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


def is_the_users(file: str) -> bool:
    """Tell whether one may look there for what a handler does: all handlers count, the built-in ones too."""
    if any(file.startswith(f"{folder}{os.sep}") for folder in (*builtin.__path__, *custom.__path__)):
        return True
    return not file.startswith((*_OURS, *_INSTALLED, "<"))  # "<frozen importlib…>"
