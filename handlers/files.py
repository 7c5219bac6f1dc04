"""Which files hold the user's handlers and what they import: those whose change asks for a reload."""

import sys
from collections.abc import Iterator
from pathlib import Path

from . import custom
from .ownership import is_the_users
from .settings import HandlerSettings


def loaded_files() -> tuple[Path, ...]:
    """Find the files of all modules that are loaded and the user's own: neither installed nor ours."""
    named = {getattr(module, "__file__", None) for module in tuple(sys.modules.values())}
    return tuple(sorted(Path(file) for file in named if isinstance(file, str) and is_the_users(file)))


def handler_folders(settings: HandlerSettings) -> tuple[Path, ...]:
    """Find the folders in which each file has handlers, also one that is new."""
    return tuple(dict.fromkeys(_folders(settings)))


def _folders(settings: HandlerSettings) -> Iterator[Path]:
    yield from map(Path, custom.__path__)
    for name in settings.modules:
        yield from map(Path, getattr(sys.modules.get(name), "__path__", ()))
