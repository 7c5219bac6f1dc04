"""Writes a batch of arrivals on PostgreSQL, beside other transactions that do the same.

One statement for all rows each, with one parameter for all of their texts: each parameter of its own costs
the driver more than the database its row.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from eventlog.arrival_rows import BodyRow, EventRow, Written
from eventlog.driver import Cursor
from eventlog.instant import POSTGRESQL_NOW, microseconds
from eventlog.open_transactions import ANNOUNCEMENT
from eventlog.states import REQUEUE_GRACE

_DUE_AT: Final = f"{POSTGRESQL_NOW} + {microseconds(REQUEUE_GRACE)}"
LOCK_TIMEOUT: Final = "500ms"
"""Arrivals wait neither for a row that somebody holds, nor for the same id in a transaction that hangs."""
# Announced before the first seq is given, as each row has part of the announcement.
_ANNOUNCED: Final = (
    f"WITH announced AS MATERIALIZED (SELECT {ANNOUNCEMENT},"
    f" set_config('lock_timeout', '{LOCK_TIMEOUT}', true),"
    # A log whose database was set to lose commits still keeps its promise; stronger settings stay.
    " CASE current_setting('synchronous_commit') WHEN 'off'"
    " THEN set_config('synchronous_commit', 'on', true) END"
    " FROM events_seq_seq)"
)
_INSERT: Final = (
    "INSERT INTO events (id, type, subject, created_at, received_at, body_sha256, seen, state, due_at)"
    " SELECT r ->> 0, r ->> 1, r ->> 2, (r ->> 3)::bigint, (r ->> 4)::bigint, decode(r ->> 5, 'hex'),"
    f" (r ->> 6)::int, 'queued', {_DUE_AT} FROM announced, json_array_elements(%s::json) AS r"
    " ON CONFLICT (id) DO NOTHING RETURNING id, seq"
)
_INSERT_WITH_BODIES: Final = (
    f"{_ANNOUNCED}, new AS ({_INSERT}, body_sha256, received_at), kept AS ("
    "INSERT INTO bodies (event_seq, sha256, received_at, body)"
    " SELECT seq, body_sha256, received_at, body"
    " FROM new JOIN unnest(%s::text[], %b::bytea[]) AS given (id, body) USING (id)"
    ") SELECT id FROM new"
)
# Rows that somebody holds are left to whoever waits for them.
_COUNT_COPIES: Final = (
    "UPDATE events SET seen = seen + copy.times"
    " FROM (SELECT seq, times FROM unnest(%s::text[], %b::bytea[], %s::int[]) AS given (id, digest, times)"
    " JOIN events USING (id) WHERE body_sha256 = digest"
    " ORDER BY seq FOR NO KEY UPDATE OF events SKIP LOCKED) AS copy"
    " WHERE events.seq = copy.seq RETURNING events.id"
)
_KNOWN: Final = "SELECT id, seq, body_sha256 FROM events WHERE id = ANY(%s)"
# Locked in the order in which workers lock them; a join would take any.
_COUNT: Final = (
    "UPDATE events SET seen = seen + sent.times"
    " FROM (SELECT seq, times FROM unnest(%s::bigint[], %s::int[]) AS repeat (seq, times)"
    " JOIN events USING (seq) ORDER BY seq FOR NO KEY UPDATE OF events) AS sent"
    " WHERE events.seq = sent.seq"
)
_KEEP: Final = (
    "INSERT INTO bodies (event_seq, sha256, received_at, body)"
    " SELECT * FROM unnest(%s::bigint[], %b::bytea[], %s::bigint[], %b::bytea[]) ON CONFLICT DO NOTHING"
)


def write_events_with_bodies(cursor: Cursor, rows: Sequence[EventRow], bodies: Sequence[bytes]) -> set[str]:
    """Insert the events that the log does not have yet, and the body of each, in a single statement.

    Gives their ids; ids are unique among the rows, and in order.
    """
    ids = [row[0] for row in rows]
    return {new for (new,) in cursor.execute(_INSERT_WITH_BODIES, (_as_json(rows), ids, bodies))}


def count_copies(cursor: Cursor, copies: Sequence[tuple[str, bytes, int]]) -> set[str]:
    """Count events that were sent again with their first body, in a single statement.

    Takes ids, digests and how often. Gives the ids of those that are known by these, and free.
    """
    columns = tuple(list(column) for column in zip(*copies, strict=True))
    return {known for (known,) in cursor.execute(_COUNT_COPIES, columns)}


def write_events(cursor: Cursor, rows: Sequence[EventRow]) -> Written:
    """Insert the events that the log does not have yet; ids are unique among the rows, and in order."""
    new = dict(cursor.execute(f"{_ANNOUNCED} {_INSERT}", (_as_json(rows),)))
    others = [row[0] for row in rows if row[0] not in new]
    # A statement of its own sees what another transaction has inserted meanwhile.
    found = cursor.execute(_KNOWN, (others,)) if others else ()
    return Written(new=new, known={id_: (seq, digest) for id_, seq, digest in found})


def _as_json(rows: Sequence[EventRow]) -> str:
    return msgspec.json.encode([(*row[:5], row[5].hex(), row[6]) for row in rows]).decode()


def count_repeats(cursor: Cursor, repeats: Sequence[tuple[int, int]]) -> None:
    """Count events that were sent again; gives seqs and how often."""
    if repeats:
        cursor.execute(_COUNT, tuple(list(column) for column in zip(*repeats, strict=True)))


def keep_bodies(cursor: Cursor, rows: Sequence[BodyRow]) -> None:
    """Keep the bodies that are not there yet."""
    if rows:
        cursor.execute(_KEEP, tuple(list(column) for column in zip(*rows, strict=True)))
