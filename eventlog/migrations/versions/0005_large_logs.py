"""Indexes for logs of millions of events: fewer on an event's way, more to look things up by."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Not with IN: for more than two values SQLite makes a table of those, each time a row is written.
_NOTABLE = "state != 'queued' AND state != 'running' AND state != 'done'"
_UNFINISHED = "state = 'queued' OR state = 'running' OR state = 'waiting'"
_UNENDED = f"{_UNFINISHED} OR state = 'parked' OR state = 'throttled'"

_PARTIAL = (
    ("ix_events_at_rest", "events", ["state", "seq"], "state != 'queued' AND state != 'running'"),
    ("ix_events_notable_type", "events", ["type", "state", "seq"], _NOTABLE),
    ("ix_events_notable_subject", "events", ["subject", "state", "seq"], _NOTABLE),
    ("ix_deliveries_of_replays", "deliveries", ["replay", "state"], "replay > 0"),
)
_WRITTEN_ANEW = (
    ("ix_events_unfinished_subject", "events", ["subject", "seq"], _UNFINISHED),
    ("ix_events_unfinished", "events", ["due_at"], _UNFINISHED),
    ("ix_deliveries_unfinished_replays", "deliveries", ["due_at"], f"({_UNFINISHED}) AND replay > 0"),
    (
        "ix_deliveries_alone",
        "deliveries",
        ["handler", "state", "event_seq"],
        f"queue IS NOT NULL AND ({_UNENDED})",
    ),
    ("ix_deliveries_unfinished", "deliveries", ["event_seq"], _UNFINISHED),
)
_WITH_IN = "state IN ('queued', 'running', 'waiting')"
_UNENDED_WITH_IN = "state IN ('queued', 'running', 'waiting', 'parked', 'throttled')"
_BY_HANDLER = "ix_deliveries_handler_state_event_seq"
_OUTDATED = (
    ("ix_events_state_seq", "events", ["state", "seq"]),
    ("ix_deliveries_replay_state", "deliveries", ["replay", "state"]),
)


def upgrade() -> None:
    for name, table, _, _ in _WRITTEN_ANEW:
        op.drop_index(name, table)
    for name, table, columns, where in (*_WRITTEN_ANEW, *_PARTIAL):
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.create_index(_BY_HANDLER, "deliveries", ["handler", "state", "event_seq"])
    # Processes of the release before go on without them, only slower.
    for name, table, _ in _OUTDATED:
        op.drop_index(name, table)


def downgrade() -> None:
    for name, table, columns in _OUTDATED:
        op.create_index(name, table, columns)
    op.drop_index(_BY_HANDLER, "deliveries")
    for name, table, _, _ in _PARTIAL:
        op.drop_index(name, table)
    for name, table, columns, where in _WRITTEN_ANEW:
        before = where.replace(_UNENDED, _UNENDED_WITH_IN).replace(_UNFINISHED, _WITH_IN)
        op.drop_index(name, table)
        op.create_index(name, table, columns, sqlite_where=sa.text(before), postgresql_where=sa.text(before))
