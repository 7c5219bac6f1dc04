"""What the APIs reply, as typed, frozen values that keep what the documentation does not name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A JSON object of a reply.

    A documented field that is absent, or of another type than documented, is None (or empty); `raw` has all
    that came, by ChaozCode's or Chucky's own names. `ctx.once` records `raw`.
    """

    raw: Mapping[str, Any] = field(repr=False)
    """The object as it came."""
