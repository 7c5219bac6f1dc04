"""Moves what SQLite committed from its WAL to its file, at moments when nobody waits for that.

A commit that finds many pages in the WAL moves them before it returns: whoever waits for it, and all other
writers, wait for several milliseconds more.
"""

import sqlite3
from contextlib import closing
from typing import Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError

from eventlog.engine_sqlite import writes

_DUE_PAGES: Final = 250
"""Often and briefly, not seldom and long; the same pages are seldom written twice meanwhile."""
_PAGES_OF_A_COMMIT: Final = 10
"""Beside one for each row that it changes: roughly, for arrivals as for outcomes."""
_SEEN: Final = "hooks_changes_seen"


class Checkpoints:
    """Counts roughly which pages one process wrote by these engines; for any number of threads."""

    def __init__(self, *engines: Engine) -> None:
        self._engine = engines[0]
        self._pages = 0
        for engine in engines:
            event.listen(engine, "commit", self._count)

    def _count(self, connection: Connection) -> None:
        if not writes(connection):
            return
        changes = connection.connection.dbapi_connection.total_changes  # type: ignore[union-attr]
        # Threads may overwrite what another has counted: then it is done a little later.
        self._pages += _PAGES_OF_A_COMMIT + changes - connection.info.get(_SEEN, 0)
        connection.info[_SEEN] = changes

    def do_if_due(self) -> None:
        """Move the pages if there are many; beside other processes that write, and without an error.

        What can't be moved now stays where it is, as durable as in the file.
        """
        if self._pages < _DUE_PAGES:
            return
        self._pages = 0
        try:
            with closing(self._engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
                cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except (sqlite3.Error, SQLAlchemyError):
            pass
