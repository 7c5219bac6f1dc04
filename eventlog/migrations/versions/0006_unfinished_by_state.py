"""The index over unfinished events begins with their state: many may wait, and few be queued."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NAME = "ix_events_unfinished"
_UNFINISHED = sa.text("state = 'queued' OR state = 'running' OR state = 'waiting'")


def upgrade() -> None:
    _write_anew(["state", "due_at"])


def downgrade() -> None:
    _write_anew(["due_at"])


def _write_anew(columns: list[str]) -> None:
    op.drop_index(_NAME, "events")
    op.create_index(_NAME, "events", columns, sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED)
