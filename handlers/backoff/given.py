"""What a handler may be registered with as its `backoff`."""

from .exponential import Exponential
from .fixed import Fixed
from .listed import Listed, listed

Backoff = Exponential | Fixed | Listed


def backoff_of(given: object) -> Backoff:
    """Return the policy that was given, as a value or as a list of delays. Raises ValueError."""
    if isinstance(given, Backoff):
        return given
    if isinstance(given, list | tuple):
        return listed(given)
    raise ValueError(
        f"backoff is {given!r}: give exponential(5, cap=3600), fixed(10), or a list of delays, such as"
        " [1, 10, 60]"
    )
