"""What a handler is given beside the event: its log, and where this attempt stands."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # structlog loads slowly, and `hooks up` needs none of it
    from structlog.typing import FilteringBoundLogger


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The second argument of every handler."""

    log: "FilteringBoundLogger"
    """A structlog logger that already carries the event's id, the handler and the attempt."""
    handler: str
    """The handler's name."""
    event_id: str
    attempt: int
    """1 for the first attempt of this delivery."""
    replay: int
    """0 for the original run of the event, else the number of the replay."""
    deadline: datetime
    """When the timeout strikes, aware, UTC."""

    @property
    def is_replay(self) -> bool:
        """Whether this is a replay and not the event's original run."""
        return self.replay != 0

    def idempotency_key(self, step: str) -> str:
        """Return a key for a request that must not take effect twice: 64 hex digits.

        It is the same in every attempt of this delivery, and another for each handler, step and replay.
        """
        # JSON keeps the parts apart: ("a", "bc") and ("ab", "c") are different texts.
        parts = json.dumps([self.event_id, self.handler, self.replay, step])
        return hashlib.sha256(parts.encode("ascii")).hexdigest()
