"""The ring of refused requests, and an index of the deliveries that are still to end."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "rejects",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "request_id",
            sa.String(length=64),
            nullable=False,
            comment="as in the answer and in the receiver's log",
        ),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, comment="for the operator; the caller is never told"),
        sa.Column("is_signed", sa.Boolean(), nullable=False),
        sa.Column(
            "signature", sa.Text(), nullable=True, comment="the header as it came, cut and made storable"
        ),
        sa.Column("size", sa.BigInteger(), nullable=True, comment="of the body in bytes, where it is known"),
        sa.Column(
            "not_kept", sa.BigInteger(), nullable=False, comment="only counted since the one kept before"
        ),
        sa.Column("body", sa.LargeBinary(), nullable=True, comment="byte for byte, where it was kept"),
        sa.PrimaryKeyConstraint("id", name="pk_rejects"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_rejects_is_signed_id", "rejects", ["is_signed", "id"], unique=False)
    op.create_index(
        "ix_deliveries_unfinished",
        "deliveries",
        ["event_seq"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'running', 'waiting')"),
        postgresql_where=sa.text("state IN ('queued', 'running', 'waiting')"),
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_unfinished", "deliveries")
    op.drop_table("rejects")
