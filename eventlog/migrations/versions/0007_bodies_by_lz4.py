"""Bodies are compressed by lz4 where PostgreSQL knows it: its own method takes several times as long."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Bodies that are stored already stay as they are, and can still be read.
_OFFERED = sa.text(
    "SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
)  # no row before PostgreSQL 14


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql" and connection.execute(_OFFERED).scalar():
        op.execute("ALTER TABLE bodies ALTER COLUMN body SET COMPRESSION lz4")


def downgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql" and connection.execute(_OFFERED).scalar():
        op.execute("ALTER TABLE bodies ALTER COLUMN body SET COMPRESSION DEFAULT")
