"""An event that a handler might get, for a first test of it."""

import json
from collections.abc import Sequence
from typing import Any

from eventlog.event import KNOWN_TYPES
from handlers.pattern import matches
from sandbox.samples import sample_data


def sample_type(patterns: Sequence[str]) -> str:
    """Choose a type that the first pattern matches, a documented one where there is one."""
    first = patterns[0]
    documented = (known for known in KNOWN_TYPES if matches(first, known))
    return next(documented, first.replace("*", "something"))


def sample_of(event_type: str) -> dict[str, Any]:
    """Give plausible data of such an event."""
    data: dict[str, Any] = json.loads(sample_data(event_type))
    return data
