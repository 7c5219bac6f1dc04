"""Connections to PostgreSQL: what is said to each, and when its plans are made anew."""

from typing import Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL

_CONNECT_SECONDS: Final = 5
_LOCK_SECONDS: Final = 5
_IDLE_IN_TRANSACTION_SECONDS: Final = 15
_FIRST_PLANS_FOR_USES: Final = 16
"""psycopg prepares a statement after five times, and PostgreSQL keeps its plan after five more."""


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

    @event.listens_for(engine, "checkout")
    def plan_anew_as_the_log_grows(connection: Any, record: Any, _proxy: Any) -> None:  # noqa: ANN401
        # A plan made for tables without rows reads all of them, and is kept until autovacuum has looked at
        # them, a minute later: under load that is 200,000 events. Now it is kept for as long as it is old.
        uses = record.info["uses"] = record.info.get("uses", 0) + 1
        if uses >= _FIRST_PLANS_FOR_USES and uses.bit_count() == 1:
            connection.execute("DISCARD PLANS")
            connection.commit()

    return engine
