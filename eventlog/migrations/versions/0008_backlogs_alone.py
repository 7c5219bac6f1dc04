"""What is due of a backlog that runs alone, and who may be let in, is found without reading the backlog."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_DUE = "ix_deliveries_due_alone"
_THROTTLED = "ix_deliveries_throttled"
_ALONE = "queue IS NOT NULL AND due_at IS NOT NULL"
_UNCLAIMED = "(state = 'queued' OR state = 'waiting' OR state = 'throttled')"


def upgrade() -> None:
    op.drop_index(_DUE, "deliveries")
    _create(_DUE, ["state", "queue", "due_at"], f"{_ALONE} AND {_UNCLAIMED}")
    _create(_THROTTLED, ["handler", "state", "due_at", "event_seq"], "state = 'throttled'")


def downgrade() -> None:
    op.drop_index(_THROTTLED, "deliveries")
    op.drop_index(_DUE, "deliveries")
    _create(_DUE, ["due_at"], _ALONE)


def _create(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, "deliveries", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
