"""One way in which a request was signed otherwise than it should be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """What was different, and what to do about it."""

    cause: str
    """A short fixed name, for machines."""
    what: str
    """Goes on after "The signature fits, but"."""
    todo: str
