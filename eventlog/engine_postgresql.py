"""Connections to PostgreSQL: what is said to each, and how they are kept."""

from typing import Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL

_CONNECT_SECONDS: Final = 5
_LOCK_SECONDS: Final = 5
_IDLE_IN_TRANSACTION_SECONDS: Final = 15


def make(url: URL, *, busy_seconds: float) -> Engine:
    """Make an engine for a database; who finds all connections in use waits for so many seconds."""
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=4,
        max_overflow=12,
        pool_timeout=busy_seconds,
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "chaozcode-hooks",
            # A server that vanished without a word (a pulled cable) is given up in seconds, not minutes.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        },
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:  # noqa: ANN401
        # Not as startup options, which connection poolers refuse. The second ends the transaction of a
        # process that was stopped in its midst: the rows that it holds are wanted by others.
        connection.execute(
            "SELECT set_config('lock_timeout', %s, false),"
            " set_config('idle_in_transaction_session_timeout', %s, false)",
            (f"{_LOCK_SECONDS}s", f"{_IDLE_IN_TRANSACTION_SECONDS}s"),
        )
        connection.commit()

    return engine
