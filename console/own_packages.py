"""Whether Python would take a package of the user's project for one of ours that has the same name."""

import sys
from pathlib import Path
from typing import Final

import click

_ROOT: Final = Path(__file__).parents[1]
_OURS: Final = ("clients", "console", "eventlog", "handlers", "receiver", "sandbox", "workers")
_MARKS: Final = ("registration.py", "router.py", "discovery.py")
"""Beside a `handlers` with all of these everything is ours, in another checkout or release."""


def require_own_packages() -> None:
    """Raise `click.ClickException` where a package of the user's hides one of ours, or the other way round.

    The processes that run handlers find the working directory before what is installed, and before that what
    PYTHONPATH names.
    """
    for name in _OURS:
        if (_ROOT / name).exists() and (other := _another(name)) is not None:
            raise click.ClickException(_message(name, other))


def _another(name: str) -> Path | None:
    """Find another package or module of that name that Python comes to before it comes to ours."""
    for folder in (Path.cwd(), *map(Path, sys.path)):
        if folder.absolute() == _ROOT:
            return None
        for file in (folder / name / "__init__.py", folder / f"{name}.py"):
            if file.is_file() and not file.samefile(_ROOT / name / "__init__.py") and not _is_ours(folder):
                return file
    return None


def _is_ours(folder: Path) -> bool:
    return all((folder / "handlers" / mark).is_file() for mark in _MARKS)


def _message(name: str, other: Path) -> str:
    what = (
        "`from handlers import Router` would mean one of them in one place, and the other in another"
        if name == "handlers"
        else "Python would take one for the other"
    )
    there = other.parent if other.name == "__init__.py" else other
    return (
        f"{there} has the name of the package {name!r} of chaozcode-hooks: {what}. Rename yours (handlers "
        "can be in a package of any other name that HOOKS_HANDLERS names, such as hooks_handlers), or start "
        "hooks in another folder"
    )
