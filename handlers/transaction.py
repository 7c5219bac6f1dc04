"""`ctx.transaction()`: the handler's last act, kept together with the outcome of its delivery.

Exception
├── TransactionMisused        opened twice, or where there is none
└── TransactionUnavailable    the log can't take it now; called again later, which uses up no retry
BaseException
├── TransactionTimeout        it took longer than HOOKS_TRANSACTION_SECONDS; undone
└── DeliveryLost              another worker may run this delivery by now; nothing was written
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from eventlog.errors import CommitUnknown, LeaseLost, LogUnavailable
from eventlog.outcome import Result

if TYPE_CHECKING:  # SQLAlchemy's ORM loads slowly, and most handlers need none of it
    from eventlog.transaction import Session

_AGAIN_SECONDS: Final = 5.0


class TransactionMisused(Exception):  # noqa: N818 - named for what happened
    """`ctx.transaction` was used in a way that can't be kept together with the outcome."""


class TransactionUnavailable(Exception):  # noqa: N818
    """The event log can't take a transaction now."""

    retry_after = _AGAIN_SECONDS


class TransactionTimeout(BaseException):
    """The transaction took longer than it may. No Exception, like the handler's own timeout."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"the transaction took longer than {seconds:g} s (HOOKS_TRANSACTION_SECONDS) and was undone: "
            "do slow work, such as requests to others, before it"
        )


class DeliveryLost(BaseException):
    """The handler ran on although its delivery was no longer its own; what it would write is dropped."""


class Limit(Protocol):
    """What keeps a transaction short; entered before it is opened, left after it is closed."""

    def __enter__(self) -> object: ...

    def __exit__(self, *_: object) -> None: ...

    def start(self) -> None:
        """Begin to count: the transaction is open, and others wait for it."""

    def stop(self) -> None:
        """Interrupt nothing from now on: the block is over."""

    def check(self) -> None:
        """Raise `TransactionTimeout` if the block took too long all the same."""


class RowsAndOutcome(Protocol):
    """A transaction that is open."""

    @property
    def session(self) -> "Session": ...

    def commit(self, result: Result) -> None:
        """Keep the session's rows together with the result."""


class LastAct:
    """The one transaction that an attempt may have, and what became of it."""

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[RowsAndOutcome]],
        result: Callable[[], Result],
        limit: Limit,
    ) -> None:
        """`result` gives what is to be recorded, when the block has ended well."""
        self._begin = begin
        self._result = result
        self._limit = limit
        self._was_opened = False
        self.is_open = False
        """Whether the handler is in its block: on SQLite nobody else can write then."""
        self.recorded: Result | None = None
        """What was recorded with the handler's rows; it is final, whatever the handler does afterwards."""
        self.lost: str | None = None
        """Why this attempt must have no outcome."""

    @contextmanager
    def open(self) -> "Iterator[Session]":
        if self._was_opened:
            raise TransactionMisused(
                "ctx.transaction() was opened before in this attempt: it is the handler's last act; "
                "put all rows into one block"
            )
        with self._limit, ExitStack() as opened:
            transaction = self._opened(opened)
            self._was_opened = True
            self.is_open = True
            opened.callback(setattr, self, "is_open", False)
            self._limit.start()
            try:
                yield transaction.session
            except BaseException:
                self._limit.stop()
                raise
            self._limit.stop()
            self._limit.check()
            self._commit(transaction)

    def _opened(self, opened: ExitStack) -> RowsAndOutcome:
        try:
            return opened.enter_context(self._begin())
        except LeaseLost as error:
            self.lose(error)
        except LogUnavailable as error:
            raise TransactionUnavailable(str(error)) from error

    def _commit(self, transaction: RowsAndOutcome) -> None:
        result = self._result()
        try:
            transaction.commit(result)
        except (LeaseLost, CommitUnknown) as error:
            self.lose(error)
        except LogUnavailable as error:
            raise TransactionUnavailable(str(error)) from error
        self.recorded = result

    def lose(self, error: Exception) -> NoReturn:
        """Have this attempt end without an outcome."""
        self.lost = str(error)
        raise DeliveryLost(self.lost) from error


@contextmanager
def no_transaction() -> "Iterator[Session]":
    """Stand in where there is no event log."""
    raise TransactionMisused(
        "there is no event log here to hold a transaction; in a test, give one: run(handler, event, "
        'database="sqlite:///path/to/test.db")'
    )
    yield
