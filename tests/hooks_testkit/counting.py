"""A handler as users write it: a step, and rows of its own."""

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from handlers import Context, Event, Router
from hooks_testkit.path import EventPath

router = Router()
sent: list[str] = []
"""What was sent to somebody else; a test empties it first."""


class Base(DeclarativeBase):
    pass


class MemoryCount(Base):
    __tablename__ = "my_memory_counts"

    project: Mapped[str] = mapped_column(String(255), primary_key=True)
    memories: Mapped[int] = mapped_column(default=0)


@router.on("memory.stored", retries=3)
def count(event: Event, ctx: Context) -> None:
    ctx.once("send", lambda: sent.append(event.id))
    with ctx.transaction() as session:
        row = session.get(MemoryCount, "p", with_for_update=True)
        if row is None:
            session.add(MemoryCount(project="p", memories=1))
        else:
            row.memories += 1


def counted(path: EventPath) -> int:
    with path.session() as session:
        row = session.get(MemoryCount, "p")
        return 0 if row is None else row.memories
