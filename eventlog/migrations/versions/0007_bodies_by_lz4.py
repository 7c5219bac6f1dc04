"""Bodies are compressed by lz4 where PostgreSQL knows it: its own method takes several times as long."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OFFERED = sa.text("SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'")


def upgrade() -> None:
    _compress_new_bodies_by("lz4")


def downgrade() -> None:
    _compress_new_bodies_by("DEFAULT")


def _compress_new_bodies_by(method: str) -> None:
    """Leave those that are stored as they are: they can still be read."""
    connection = op.get_bind()
    # Before PostgreSQL 14 there is no such setting, and no choice.
    if connection.dialect.name == "postgresql" and connection.execute(_OFFERED).scalar():
        op.execute(f"ALTER TABLE bodies ALTER COLUMN body SET COMPRESSION {method}")
