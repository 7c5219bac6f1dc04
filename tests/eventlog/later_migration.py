"""The migrations of a release to come: ours, and one more that adds a column, a table and an index."""

import shutil
from pathlib import Path
from typing import Final

import eventlog.migrations
from eventlog.revision import HEAD

LATER: Final = "9999"
_MIGRATION: Final = """
import sqlalchemy as sa
from alembic import op

revision = {later!r}
down_revision = {head!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("events", sa.Column("priority", sa.Integer(), nullable=True))
    op.create_table("things_to_come", sa.Column("id", sa.Integer(), primary_key=True))
    op.create_index("ix_events_priority_seq", "events", ["priority", "seq"])
"""


def later_migrations(folder: Path) -> dict[str, str]:
    """Write them to a folder; gives what `schema.upgrade` takes to run them."""
    target = folder / "migrations"
    shutil.copytree(
        Path(str(eventlog.migrations.__file__)).parent, target, ignore=shutil.ignore_patterns("__pycache__")
    )
    (target / "versions" / f"{LATER}_later.py").write_text(_MIGRATION.format(later=LATER, head=HEAD))
    return {"migrations": str(target), "head": LATER}
