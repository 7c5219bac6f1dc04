"""Writes a batch of arrivals on SQLite, in a transaction that is the only one to write.

The statements are the driver's own: what SQLAlchemy does for each row costs more than SQLite's own work.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from eventlog.arrival_rows import BodyRow, EventRow, Written
from eventlog.driver import Cursor
from eventlog.instant import SQLITE_NOW, microseconds
from eventlog.states import REQUEUE_GRACE

_DUE_AT: Final = f"{SQLITE_NOW} + {microseconds(REQUEUE_GRACE)}"
_KNOWN: Final = (
    "SELECT id, seq, body_sha256 FROM events WHERE id IN (SELECT CAST(value AS TEXT) FROM json_each(?))"
)
_LAST_SEQ_AND_DUE: Final = (
    f"SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0), {_DUE_AT}"
)
_INSERT: Final = (
    "INSERT INTO events (seq, id, type, subject, created_at, received_at, body_sha256, seen, state, due_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?)"
)
_COUNT: Final = "UPDATE events SET seen = seen + ? WHERE seq = ?"
_KEEP: Final = (
    "INSERT INTO bodies (event_seq, sha256, received_at, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
)


def write_events(cursor: Cursor, rows: Sequence[EventRow]) -> Written:
    """Insert the events that the log does not have yet; ids are unique among the rows."""
    ids = msgspec.json.encode([row[0] for row in rows]).decode()
    known = {id_: (seq, digest) for id_, seq, digest in cursor.execute(_KNOWN, (ids,))}
    # Nobody else writes meanwhile, so the numbers can be given out here, and need not be asked for.
    ((last, due_at),) = cursor.execute(_LAST_SEQ_AND_DUE)
    fresh = [row for row in rows if row[0] not in known]
    if fresh:
        cursor.executemany(_INSERT, [(seq, *row, due_at) for seq, row in enumerate(fresh, last + 1)])
    return Written(new={row[0]: seq for seq, row in enumerate(fresh, last + 1)}, known=known)


def count_repeats(cursor: Cursor, repeats: Sequence[tuple[int, int]]) -> None:
    """Count events that were sent again; gives seqs and how often."""
    if repeats:
        cursor.executemany(_COUNT, [(times, seq) for seq, times in repeats])


def keep_bodies(cursor: Cursor, rows: Sequence[BodyRow]) -> None:
    """Keep the bodies that are not there yet."""
    if rows:
        cursor.executemany(_KEEP, rows)
