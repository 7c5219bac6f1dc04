"""What a handler is given beside the event: its log, and where this attempt stands."""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from .transaction import no_transaction

if TYPE_CHECKING:  # these load slowly, and `hooks up` needs none of them
    from structlog.typing import FilteringBoundLogger

    from eventlog.transaction import Session


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
    open_transaction: "Callable[[], AbstractContextManager[Session]]" = field(
        default=no_transaction, repr=False
    )
    """What `transaction` opens; the worker's, or the testing kit's."""

    @property
    def is_replay(self) -> bool:
        """Whether this is a replay and not the event's original run."""
        return self.replay != 0

    def transaction(self) -> "AbstractContextManager[Session]":
        """Open the handler's last act: `with ctx.transaction() as session:`.

        The session's rows commit together with the outcome of this delivery, which is then `done`; both
        vanish if the block raises, takes longer than `HOOKS_TRANSACTION_SECONDS`, or another worker has
        taken the delivery over. Once per attempt.
        """
        return self.open_transaction()

    def idempotency_key(self, step: str) -> str:
        """Return a key for a request that must not take effect twice: 64 hex digits.

        It is the same in every attempt of this delivery, and another for each handler, step and replay.
        """
        # JSON keeps the parts apart: ("a", "bc") and ("ab", "c") are different texts.
        parts = json.dumps([self.event_id, self.handler, self.replay, step])
        return hashlib.sha256(parts.encode("ascii")).hexdigest()
