"""What a handler is given beside the event: its log, and where this attempt stands."""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, overload

from .apis import no_chaozcode, no_chucky
from .http import no_http
from .once import Once, Result, no_steps
from .transaction import no_transaction

if TYPE_CHECKING:  # these load slowly, and `hooks up` needs none of them
    import httpx2
    from structlog.typing import FilteringBoundLogger

    from clients.chaozcode.client import ChaozCode
    from clients.chucky.client import Chucky
    from clients.reply import Reply
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
    run_once: Once = field(default=no_steps, repr=False)
    """What `once` calls; the worker's, or the testing kit's."""
    open_http: "Callable[[], httpx2.Client]" = field(default=no_http, repr=False)
    """What `http` is taken from; the worker's, or the testing kit's."""
    open_chaozcode: "Callable[[], ChaozCode]" = field(default=no_chaozcode, repr=False)
    """What `chaozcode` is taken from; the worker's, or the testing kit's."""
    open_chucky: "Callable[[], Chucky]" = field(default=no_chucky, repr=False)
    """What `chucky` is taken from; the worker's, or the testing kit's."""
    is_dry_run: bool = False
    """Whether nothing of this is kept: requests are noted and not sent, rows are undone."""

    @property
    def is_replay(self) -> bool:
        """Whether this is a replay and not the event's original run."""
        return self.replay != 0

    @property
    def http(self) -> "httpx2.Client":
        """A client for HTTP requests, without retries of its own; in a dry run it sends none.

        It lasts as long as this attempt, and no request of it longer. `raise_for_status()` of a 429 or 503
        with Retry-After has the handler called again then.
        """
        return self.open_http()

    @property
    def chaozcode(self) -> "ChaozCode":
        """A client of ChaozCode's API, with the key of `CHAOZCODE_API_KEY`; in a dry run it sends nothing.

        It lasts as long as this attempt, and no call of it longer. Where the API, or the limiter that all
        workers share, asks for more than a short wait, the handler is called again then. `clients.errors`
        has what it raises: none of it need be caught.
        """
        return self.open_chaozcode()

    @property
    def chucky(self) -> "Chucky":
        """A client of Chucky, with the token of `CHUCKY_TOKEN`; otherwise as `chaozcode` is.

        A budget that is used up has the handler called again when the next one starts.
        """
        return self.open_chucky()

    @overload
    def once(self, key: str, fn: "Callable[[], Reply]") -> dict[str, Any]: ...

    @overload
    def once(self, key: str, fn: Callable[[], Result]) -> Result: ...

    def once(self, key: str, fn: Callable[[], Any]) -> Any:
        """Take a step of this delivery once: call `fn` and record what it returns, under a key of its own.

        A later attempt gets what is on record, and does not call `fn`. The result is JSON, of at most 1 MiB,
        and is given as JSON reads it back: a tuple comes as a list, also the first time, and a reply of
        `ctx.chaozcode` or `ctx.chucky` as the object that came, its `raw`. A replay takes the step again,
        unless it was made with `--keep-effects`. If `fn` raises, nothing is recorded.
        """
        return self.run_once(key, fn)

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
