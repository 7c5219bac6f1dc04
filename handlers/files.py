"""Which files hold the user's handlers and what they import: those whose change asks for a reload."""

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from . import custom
from .settings import HandlerSettings

_ROOT: Final = Path(__file__).parents[1]
_OURS: Final = ("clients", "console", "eventlog", "handlers", "receiver", "sandbox", "workers")
_INSTALLED: Final = tuple(
    Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


def loaded_files() -> tuple[Path, ...]:
    """Find the files of all modules that are loaded and the user's own: neither installed nor ours."""
    named = {getattr(module, "__file__", None) for module in tuple(sys.modules.values())}
    return tuple(sorted(Path(file) for file in named if isinstance(file, str) and _is_the_users(Path(file))))


def handler_folders(settings: HandlerSettings) -> tuple[Path, ...]:
    """Find the folders in which each file has handlers, also one that is new."""
    return tuple(dict.fromkeys(_folders(settings)))


def _folders(settings: HandlerSettings) -> Iterator[Path]:
    yield from map(Path, custom.__path__)
    for name in settings.modules:
        yield from map(Path, getattr(sys.modules.get(name), "__path__", ()))


def _is_the_users(file: Path) -> bool:
    if any(file.is_relative_to(folder) for folder in map(Path, custom.__path__)):
        return True
    ours = any(file.is_relative_to(_ROOT / name) for name in _OURS)
    return not ours and not any(file.is_relative_to(folder) for folder in _INSTALLED)
