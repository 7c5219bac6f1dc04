"""What handlers can ask for: steps recorded once, lanes, order and limits, versions, canaries."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_UNFINISHED_EVENTS = "state IN ('queued', 'running', 'waiting')"

_COLUMNS = (
    ("deliveries", "queue", sa.String(length=64), "claimed there without its event; null: with its run"),
    ("deliveries", "line", sa.String(length=512), "the subject in whose line it stands, until it has ended"),
    ("deliveries", "release", sa.String(length=128), "HOOKS_RELEASE, when it last ran"),
    ("deliveries", "resolved_at", sa.BigInteger(), "dead, and dealt with by a person"),
    ("deliveries", "resolved_by", sa.Text(), None),
    ("deliveries", "resolved_why", sa.Text(), None),
    ("failures", "version", sa.String(length=64), "of the handler's code"),
    ("failures", "release", sa.String(length=128), "HOOKS_RELEASE at that time"),
    ("replays", "keep_effects", sa.Boolean(), "whether steps of earlier runs are not run again"),
    ("replays", "canary", sa.Integer(), "at most so many deliveries, until all of them ended well"),
    ("replays", "ended_because", sa.Text(), "why it was stopped, unless by a person"),
    ("heartbeats", "queue", sa.String(length=64), "of a worker: where it takes its jobs"),
)

_INDEXES = (
    ("ix_events_unfinished_subject", "events", ["subject", "seq"], _UNFINISHED_EVENTS),
    ("ix_deliveries_due_alone", "deliveries", ["due_at"], "queue IS NOT NULL AND due_at IS NOT NULL"),
    ("ix_deliveries_line", "deliveries", ["handler", "line", "event_seq"], "line IS NOT NULL"),
    (
        "ix_deliveries_alone",
        "deliveries",
        ["handler", "state", "event_seq"],
        "queue IS NOT NULL AND state IN ('queued', 'running', 'waiting', 'parked', 'throttled')",
    ),
    ("ix_deliveries_dead", "deliveries", ["handler", "event_seq"], "state = 'dead'"),
    ("ix_failures_replay_fingerprint", "failures", ["replay", "fingerprint"], "replay > 0"),
)

_WHOLE_INDEXES = (
    (
        "ix_failures_fingerprint_handler_event_seq",
        "failures",
        ["fingerprint", "handler", "event_seq"],
    ),
    ("ix_failures_failed_at", "failures", ["failed_at"]),
)


def upgrade() -> None:
    for table, name, kind, comment in _COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True, comment=comment))
    op.create_table(
        "effects",
        sa.Column("event_seq", _COUNTER, nullable=False),
        sa.Column("handler", sa.String(length=200), nullable=False),
        sa.Column("replay", _COUNTER, nullable=False, comment="0 = the original run"),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("result", sa.Text(), nullable=False, comment="JSON"),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_seq"], ["events.seq"], name="fk_effects_event_seq", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_seq", "handler", "replay", "key", name="pk_effects"),
    )
    op.create_table(
        "starts",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("handler", sa.String(length=200), nullable=False, comment="one whose rate is limited"),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_starts"),
    )
    op.create_index("ix_starts_handler_started_at", "starts", ["handler", "started_at"], unique=False)
    for name, table, columns in _WHOLE_INDEXES:
        op.create_index(name, table, columns, unique=False)
    for name, table, columns, where in _INDEXES:
        op.create_index(
            name,
            table,
            columns,
            unique=False,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )


def downgrade() -> None:
    for name, table, _, _ in _INDEXES:
        op.drop_index(name, table)
    for name, table, _ in _WHOLE_INDEXES:
        op.drop_index(name, table)
    op.drop_table("starts")
    op.drop_table("effects")
    for table, name, _, _ in _COLUMNS:
        op.drop_column(table, name)
