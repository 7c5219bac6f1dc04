"""What the handlers that come with the project keep, once they are turned on."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "mirrored_memories",
        sa.Column("memory_id", sa.String(length=512), nullable=False),
        sa.Column("content", sa.Text(), nullable=True, comment="null of a deleted one"),
        sa.Column("memory", sa.JSON(), nullable=True, comment="as the API gave it; null of a deleted one"),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("as_of", sa.BigInteger(), nullable=False, comment="of the newest event about it"),
        sa.Column("event_id", sa.String(length=255), nullable=False, comment="of that event"),
        sa.PrimaryKeyConstraint("memory_id", name="pk_mirrored_memories"),
    )
    op.create_table(
        "project_changes",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("project_id", sa.String(length=512), nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False, comment="when ChaozCode says, else arrival"),
        sa.Column("settings", sa.JSON(), nullable=False, comment="after the change"),
        sa.Column("difference", sa.JSON(), nullable=False, comment="from the change before"),
        sa.PrimaryKeyConstraint("id", name="pk_project_changes"),
        sa.UniqueConstraint("event_id", name="uq_project_changes_event_id"),
    )
    op.create_index(
        "ix_project_changes_project_id_changed_at_id",
        "project_changes",
        ["project_id", "changed_at", "id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("project_changes")
    op.drop_table("mirrored_memories")
