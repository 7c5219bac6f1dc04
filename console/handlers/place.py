"""Where a new handler goes: into this project's `handlers/custom/`, or a folder of the user's own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from handlers import custom

OWN_FOLDER: Final = "hooks_handlers"
"""Not `handlers`: a package of that name would hide ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder for handlers, relative to the working directory."""

    folder: Path
    package: str | None
    """What HOOKS_HANDLERS has to name; None for a folder that is always looked into."""


def place_here() -> Place:
    """Choose the folder: of a checkout that one works in, its own; it is no place for others' projects."""
    in_checkout = Path("handlers", "custom")
    if any(Path(each).absolute() == in_checkout.absolute() for each in custom.__path__):
        return Place(folder=in_checkout, package=None)
    return Place(folder=Path(OWN_FOLDER), package=OWN_FOLDER)
