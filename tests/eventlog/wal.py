"""What of a log on SQLite is in its file, and what in its WAL alone."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from eventlog.database import parse_url


def with_empty_wal(url: str) -> Path:
    """Move all that is in the WAL, and give the log's file."""
    path = Path(str(parse_url(url).database))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def in_the_file(database: Path, table: str = "events") -> int:
    """Count the rows that the file has by itself, without its WAL."""
    alone = database.with_name("alone.db")
    shutil.copy(database, alone)
    with closing(sqlite3.connect(alone)) as connection:
        (found,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(found)
