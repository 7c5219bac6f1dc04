"""Whether the event log answers, has the tables of this release, and keeps what it commits."""

from collections.abc import Iterator

from console.doctor.finding import Finding, ok, problem, warning
from console.log import open_log
from eventlog.database import EventLog
from eventlog.diagnosis import read_durability
from eventlog.errors import LogUnavailable, SchemaOutdated
from eventlog.revision import HEAD
from eventlog.schema import read_revision


def open_usable_log() -> tuple[EventLog | None, Finding]:
    """Open the log, or say why it can't be used."""
    try:
        log = open_log()
    except LogUnavailable as error:
        todo = "start the database, and check DATABASE_URL; until then the receiver answers 503"
        return None, problem("database", " ".join(str(error).split()), todo)
    except SchemaOutdated as error:
        return None, problem("database", str(error), "run: hooks db upgrade")
    return log, _tables(log)


def _tables(log: EventLog) -> Finding:
    revision = read_revision(log)
    if revision == HEAD:
        return ok("database", f"{log.location} answers, its tables are current")
    return warning(
        "database",
        f"{log.location} answers; its tables (revision {revision}) are newer than this release ({HEAD}),"
        " which works with them as long as both are of one major release",
        "finish the deploy: run the newer release here too",
    )


def check_durability(log: EventLog) -> Iterator[Finding]:
    """Compare the database's own settings with what an acknowledgement promises."""
    found = read_durability(log)
    wrong = list(_wrong(found))
    yield from wrong
    if not wrong:
        yield ok("durability", ", ".join(f"{name} {value}" for name, value in found.items()))


def _wrong(found: dict[str, str]) -> Iterator[Finding]:
    mode = found.get("journal_mode", "wal")
    if mode != "wal":
        yield problem(
            "durability",
            f"SQLite's journal mode is {mode}, not wal: readers and writers block each other",
            "keep the log on a local disk (network file systems can't do WAL), or use PostgreSQL",
        )
    for name in ("fsync", "full_page_writes"):
        if found.get(name) == "off":
            yield warning(
                "durability",
                f"PostgreSQL runs with {name} off: a crash of its machine can lose acknowledged events",
                f"set {name} = on in postgresql.conf",
            )
    if found.get("synchronous_commit") == "off":
        yield warning(
            "durability",
            "PostgreSQL runs with synchronous_commit off: accepted events are safe, for they are committed"
            " with it on, but outcomes can be lost in a crash, and their handlers run again",
            "set synchronous_commit = on for this database or user",
        )
