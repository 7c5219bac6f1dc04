import sqlite3

import psycopg
import pytest

from eventlog.database import EventLog


def test_a_cursor_ends_with_its_transaction(log: EventLog) -> None:
    # Left to be forgotten it would reset its statement later, while another thread runs it.
    with log.write_by_driver() as cursor:
        assert [tuple(row) for row in cursor.execute("SELECT 1")] == [(1,)]
    with pytest.raises((sqlite3.ProgrammingError, psycopg.InterfaceError), match="closed"):
        cursor.execute("SELECT 1")
