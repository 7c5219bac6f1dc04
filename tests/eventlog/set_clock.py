"""Sets the database's clock, as far as one log asks for it: the statements that read it are rewritten."""

from datetime import timedelta
from typing import Any

from sqlalchemy import event

from eventlog.database import EventLog

_SQLITE = "julianday('now')"
_POSTGRESQL = "clock_timestamp()"


class SetClock:
    """The clock of one log; `by` says how far it is set from the true time."""

    def __init__(self, log: EventLog) -> None:
        self.by = timedelta(0)
        event.listen(log._engine, "before_cursor_execute", self._rewrite, retval=True)

    def _rewrite(
        self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any
    ) -> tuple[str, Any]:
        seconds = self.by.total_seconds()
        return (
            statement.replace(_SQLITE, f"julianday('now', '{seconds} seconds')").replace(
                _POSTGRESQL, f"(clock_timestamp() + interval '{seconds} seconds')"
            ),
            parameters,
        )
