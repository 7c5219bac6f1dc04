"""The first tables of the event log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("seq", _COUNTER, autoincrement=True, nullable=False, comment="arrival order"),
        sa.Column("id", sa.String(length=255), nullable=False, comment="ChaozCode's id"),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column(
            "subject",
            sa.String(length=512),
            nullable=True,
            comment="the memory, agent or project it is about",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=True, comment="as ChaozCode said"),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "body_sha256", sa.LargeBinary(length=32), nullable=False, comment="of the first body received"
        ),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column(
            "lease", sa.String(length=32), nullable=True, comment="the claim that holds it while running"
        ),
        sa.Column(
            "due_at", sa.BigInteger(), nullable=True, comment="unfinished: when the sweeper looks at it again"
        ),
        sa.Column("seen", sa.Integer(), nullable=False, comment="how often it was sent"),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sa.UniqueConstraint("id", name="uq_events_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_events_lease",
        "events",
        ["lease"],
        unique=False,
        sqlite_where=sa.text("lease IS NOT NULL"),
        postgresql_where=sa.text("lease IS NOT NULL"),
    )
    op.create_index("ix_events_received_at_seq", "events", ["received_at", "seq"], unique=False)
    op.create_index("ix_events_state_seq", "events", ["state", "seq"], unique=False)
    op.create_index("ix_events_subject_seq", "events", ["subject", "seq"], unique=False)
    op.create_index("ix_events_type_seq", "events", ["type", "seq"], unique=False)
    op.create_index(
        "ix_events_unfinished",
        "events",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'running', 'waiting')"),
        postgresql_where=sa.text("state IN ('queued', 'running', 'waiting')"),
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="receiver, worker or clock"),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_heartbeats"),
    )
    op.create_table(
        "replays",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="running, done or cancelled"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "finished_at",
            sa.BigInteger(),
            nullable=True,
            comment="when the last event was handed to the queue",
        ),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("selection", sa.JSON(), nullable=False, comment="which events: ids or filters"),
        sa.Column(
            "handlers", sa.JSON(), nullable=False, comment="name: patterns, as registered when it was made"
        ),
        sa.Column("only_failed", sa.Boolean(), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=True, comment="events a second at most"),
        sa.Column("cursor", _COUNTER, nullable=False, comment="the last event looked at"),
        sa.Column("upto", _COUNTER, nullable=False, comment="the last event to look at"),
        sa.Column("events", sa.BigInteger(), nullable=False, comment="looked at so far"),
        sa.Column("fed", sa.BigInteger(), nullable=False, comment="deliveries made so far"),
        sa.Column("passed_over", sa.BigInteger(), nullable=False, comment="in flight, or nothing to do"),
        sa.Column(
            "in_flight", sa.JSON(), nullable=False, comment="which were skipped because still in flight"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_replays"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "bodies",
        sa.Column("event_seq", _COUNTER, nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="byte for byte"),
        sa.ForeignKeyConstraint(
            ["event_seq"], ["events.seq"], name="fk_bodies_event_seq", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_seq", "sha256", name="pk_bodies"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("event_seq", _COUNTER, nullable=False),
        sa.Column("handler", sa.String(length=200), nullable=False),
        sa.Column("replay", _COUNTER, nullable=False, comment="0 = the original run"),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column(
            "lease",
            sa.String(length=32),
            nullable=True,
            comment="of one that is claimed without its event",
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column(
            "failures", sa.Integer(), nullable=False, comment="attempts that count against the retries"
        ),
        sa.Column("started_at", sa.BigInteger(), nullable=True, comment="of the last attempt"),
        sa.Column("duration_us", sa.BigInteger(), nullable=True, comment="of the last attempt"),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.String(length=64), nullable=True, comment="of the handler's code"),
        sa.Column("note", sa.Text(), nullable=True, comment="why it was skipped or put off"),
        sa.ForeignKeyConstraint(
            ["event_seq"], ["events.seq"], name="fk_deliveries_event_seq", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("event_seq", "handler", "replay", name="uq_deliveries_event_seq_handler_replay"),
    )
    op.create_index("ix_deliveries_handler_event_seq", "deliveries", ["handler", "event_seq"], unique=False)
    op.create_index(
        "ix_deliveries_lease",
        "deliveries",
        ["lease"],
        unique=False,
        sqlite_where=sa.text("lease IS NOT NULL"),
        postgresql_where=sa.text("lease IS NOT NULL"),
    )
    op.create_index("ix_deliveries_replay_state", "deliveries", ["replay", "state"], unique=False)
    op.create_index(
        "ix_deliveries_unfinished_replays",
        "deliveries",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'running', 'waiting') AND replay > 0"),
        postgresql_where=sa.text("state IN ('queued', 'running', 'waiting') AND replay > 0"),
    )
    op.create_table(
        "failures",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("event_seq", _COUNTER, nullable=False),
        sa.Column("handler", sa.String(length=200), nullable=False),
        sa.Column("replay", _COUNTER, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.BigInteger(), nullable=False),
        sa.Column("error_type", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("traceback", sa.Text(), nullable=False),
        sa.Column(
            "fingerprint", sa.String(length=16), nullable=False, comment="alike for failures of one cause"
        ),
        sa.ForeignKeyConstraint(
            ["event_seq"], ["events.seq"], name="fk_failures_event_seq", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_failures"),
        sa.UniqueConstraint(
            "event_seq", "handler", "replay", "attempt", name="uq_failures_event_seq_handler_replay_attempt"
        ),
    )
    op.create_index("ix_failures_fingerprint_id", "failures", ["fingerprint", "id"], unique=False)


def downgrade() -> None:
    for table in ("failures", "deliveries", "bodies", "replays", "heartbeats", "events"):
        op.drop_table(table)
