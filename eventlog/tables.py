"""The event log's tables; `migrations/` makes them, a test holds the two alike."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
    or_,
)
from sqlalchemy.types import JSON

from eventlog.instant import Instant

ID_BYTES: Final = 255
TYPE_BYTES: Final = 255
SUBJECT_BYTES: Final = 512
HANDLER_CHARACTERS: Final = 200
KEY_CHARACTERS: Final = 200
QUEUE_CHARACTERS: Final = 64
VERSION_CHARACTERS: Final = 64
RELEASE_CHARACTERS: Final = 128

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts rows up only in a column of exactly the type INTEGER.
Counter = BigInteger().with_variant(Integer, "sqlite")

_UNFINISHED: Final = ("queued", "running", "waiting")


def one_of(column: ColumnElement[str], *values: str) -> ColumnElement[bool]:
    """Say that a column has one of the values, for partial indexes and what they are to serve.

    Not as IN: for more than two values SQLite makes a table of those, each time a row is written.
    """
    return or_(*(column == literal_column(f"'{value}'") for value in values))


def none_of(column: ColumnElement[str], *values: str) -> ColumnElement[bool]:
    """Say that a column has none of the values; as `one_of`, not with NOT IN."""
    return and_(*(column != literal_column(f"'{value}'") for value in values))


events = Table(
    "events",
    metadata,
    Column("seq", Counter, primary_key=True, autoincrement=True, comment="arrival order"),
    Column("id", String(ID_BYTES), nullable=False, unique=True, comment="ChaozCode's id"),
    Column("type", String(TYPE_BYTES), nullable=False),
    Column("subject", String(SUBJECT_BYTES), comment="the memory, agent or project it is about"),
    Column("created_at", Instant, comment="as ChaozCode said"),
    Column("received_at", Instant, nullable=False),
    Column("body_sha256", LargeBinary(32), nullable=False, comment="of the first body received"),
    Column("state", String(16), nullable=False),
    Column("lease", String(32), comment="the claim that holds it while running"),
    Column("due_at", Instant, comment="unfinished: when the sweeper looks at it again"),
    Column("seen", Integer, nullable=False, default=1, comment="how often it was sent"),
    Index(None, "type", "seq"),
    Index(None, "subject", "seq"),
    Index(None, "received_at", "seq"),
    Index(
        None, "lease", sqlite_where=Column("lease").isnot(None), postgresql_where=Column("lease").isnot(None)
    ),
    sqlite_autoincrement=True,
)
# Not of those on their way: no arrival and no claim writes to these.
Index(
    "ix_events_at_rest",
    events.c.state,
    events.c.seq,
    sqlite_where=none_of(events.c.state, "queued", "running"),
    postgresql_where=none_of(events.c.state, "queued", "running"),
)
Index(
    "ix_events_notable_type",
    events.c.type,
    events.c.state,
    events.c.seq,
    sqlite_where=none_of(events.c.state, "queued", "running", "done"),
    postgresql_where=none_of(events.c.state, "queued", "running", "done"),
)
Index(
    "ix_events_notable_subject",
    events.c.subject,
    events.c.state,
    events.c.seq,
    sqlite_where=none_of(events.c.state, "queued", "running", "done"),
    postgresql_where=none_of(events.c.state, "queued", "running", "done"),
)
Index(
    "ix_events_unfinished_subject",
    events.c.subject,
    events.c.seq,
    sqlite_where=one_of(events.c.state, *_UNFINISHED),
    postgresql_where=one_of(events.c.state, *_UNFINISHED),
)
Index(
    "ix_events_unfinished",
    events.c.state,
    events.c.due_at,
    sqlite_where=one_of(events.c.state, *_UNFINISHED),
    postgresql_where=one_of(events.c.state, *_UNFINISHED),
)

bodies = Table(
    "bodies",
    metadata,
    Column("event_seq", Counter, ForeignKey("events.seq", ondelete="CASCADE"), primary_key=True),
    Column("sha256", LargeBinary(32), primary_key=True),
    Column("received_at", Instant, nullable=False),
    Column("body", LargeBinary, nullable=False, comment="byte for byte"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("event_seq", Counter, ForeignKey("events.seq", ondelete="CASCADE"), nullable=False),
    Column("handler", String(HANDLER_CHARACTERS), nullable=False),
    Column("replay", Counter, nullable=False, default=0, comment="0 = the original run"),
    Column("state", String(16), nullable=False),
    Column("lease", String(32), comment="of one that is claimed without its event"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("failures", Integer, nullable=False, default=0, comment="attempts that count against the retries"),
    Column("started_at", Instant, comment="of the last attempt"),
    Column("duration_us", BigInteger, comment="of the last attempt"),
    Column("due_at", Instant),
    Column("version", String(VERSION_CHARACTERS), comment="of the handler's code"),
    Column("note", Text, comment="why it was skipped or put off"),
    Column("queue", String(QUEUE_CHARACTERS), comment="claimed there without its event; null: with its run"),
    Column("line", String(SUBJECT_BYTES), comment="the subject in whose line it stands, until it has ended"),
    Column("release", String(RELEASE_CHARACTERS), comment="HOOKS_RELEASE, when it last ran"),
    Column("resolved_at", Instant, comment="dead, and dealt with by a person"),
    Column("resolved_by", Text),
    Column("resolved_why", Text),
    UniqueConstraint("event_seq", "handler", "replay"),
    Index(None, "handler", "event_seq"),
    Index(None, "handler", "state", "event_seq"),
    Index(
        None, "lease", sqlite_where=Column("lease").isnot(None), postgresql_where=Column("lease").isnot(None)
    ),
)
Index(
    "ix_deliveries_of_replays",
    deliveries.c.replay,
    deliveries.c.state,
    sqlite_where=deliveries.c.replay > 0,
    postgresql_where=deliveries.c.replay > 0,
)
Index(
    "ix_deliveries_unfinished_replays",
    deliveries.c.due_at,
    sqlite_where=one_of(deliveries.c.state, *_UNFINISHED) & (deliveries.c.replay > 0),
    postgresql_where=one_of(deliveries.c.state, *_UNFINISHED) & (deliveries.c.replay > 0),
)

_DUE_ALONE: Final = (
    deliveries.c.queue.isnot(None)
    & deliveries.c.due_at.isnot(None)
    & one_of(deliveries.c.state, "queued", "waiting", "throttled")
)
# In this order: where nothing is due, one look at each queue tells so, however much waits in it.
Index(
    "ix_deliveries_due_alone",
    deliveries.c.state,
    deliveries.c.queue,
    deliveries.c.due_at,
    sqlite_where=_DUE_ALONE,
    postgresql_where=_DUE_ALONE,
)
# With the state, though all have the same: or SQLite would take the whole index by handler and state.
Index(
    "ix_deliveries_throttled",
    deliveries.c.handler,
    deliveries.c.state,
    deliveries.c.due_at,
    deliveries.c.event_seq,
    sqlite_where=one_of(deliveries.c.state, "throttled"),
    postgresql_where=one_of(deliveries.c.state, "throttled"),
)
Index(
    "ix_deliveries_line",
    deliveries.c.handler,
    deliveries.c.line,
    deliveries.c.event_seq,
    sqlite_where=deliveries.c.line.isnot(None),
    postgresql_where=deliveries.c.line.isnot(None),
)
Index(
    "ix_deliveries_alone",
    deliveries.c.handler,
    deliveries.c.state,
    deliveries.c.event_seq,
    sqlite_where=deliveries.c.queue.isnot(None)
    & one_of(deliveries.c.state, *_UNFINISHED, "parked", "throttled"),
    postgresql_where=deliveries.c.queue.isnot(None)
    & one_of(deliveries.c.state, *_UNFINISHED, "parked", "throttled"),
)
Index(
    "ix_deliveries_dead",
    deliveries.c.handler,
    deliveries.c.event_seq,
    sqlite_where=deliveries.c.state == "dead",
    postgresql_where=deliveries.c.state == "dead",
)

Index(
    "ix_deliveries_unfinished",
    deliveries.c.event_seq,
    sqlite_where=one_of(deliveries.c.state, *_UNFINISHED),
    postgresql_where=one_of(deliveries.c.state, *_UNFINISHED),
)

failures = Table(
    "failures",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("event_seq", Counter, ForeignKey("events.seq", ondelete="CASCADE"), nullable=False),
    Column("handler", String(HANDLER_CHARACTERS), nullable=False),
    Column("replay", Counter, nullable=False, default=0),
    Column("attempt", Integer, nullable=False),
    Column("failed_at", Instant, nullable=False),
    Column("error_type", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("traceback", Text, nullable=False),
    Column("fingerprint", String(16), nullable=False, comment="alike for failures of one cause"),
    Column("version", String(VERSION_CHARACTERS), comment="of the handler's code"),
    Column("release", String(RELEASE_CHARACTERS), comment="HOOKS_RELEASE at that time"),
    UniqueConstraint("event_seq", "handler", "replay", "attempt"),
    Index(None, "fingerprint", "id"),
    Index(None, "fingerprint", "handler", "event_seq"),
    Index(None, "failed_at"),
    Index(
        None,
        "replay",
        "fingerprint",
        sqlite_where=Column("replay") > 0,
        postgresql_where=Column("replay") > 0,
    ),
)

replays = Table(
    "replays",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("state", String(16), nullable=False, comment="running, done or cancelled"),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant, comment="when the last event was handed to the queue"),
    Column("who", Text, nullable=False),
    Column("reason", Text),
    Column("selection", JSON, nullable=False, comment="which events: ids or filters"),
    Column("handlers", JSON, nullable=False, comment="name: patterns, as registered when it was made"),
    Column("only_failed", Boolean, nullable=False),
    Column("rate", Integer, comment="events a second at most"),
    Column("cursor", Counter, nullable=False, default=0, comment="the last event looked at"),
    Column("upto", Counter, nullable=False, comment="the last event to look at"),
    Column("events", BigInteger, nullable=False, default=0, comment="looked at so far"),
    Column("fed", BigInteger, nullable=False, default=0, comment="deliveries made so far"),
    Column("passed_over", BigInteger, nullable=False, default=0, comment="in flight, or nothing to do"),
    Column("in_flight", JSON, nullable=False, comment="which were skipped because still in flight"),
    Column("keep_effects", Boolean, comment="whether steps of earlier runs are not run again"),
    Column("canary", Integer, comment="at most so many deliveries, until all of them ended well"),
    Column("ended_because", Text, comment="why it was stopped, unless by a person"),
    sqlite_autoincrement=True,
)

effects = Table(
    "effects",
    metadata,
    Column("event_seq", Counter, ForeignKey("events.seq", ondelete="CASCADE"), primary_key=True),
    Column("handler", String(HANDLER_CHARACTERS), primary_key=True),
    Column("replay", Counter, primary_key=True, comment="0 = the original run"),
    Column("key", String(KEY_CHARACTERS), primary_key=True),
    Column("result", Text, nullable=False, comment="JSON"),
    Column("recorded_at", Instant, nullable=False),
)

starts = Table(
    "starts",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("handler", String(HANDLER_CHARACTERS), nullable=False, comment="one whose rate is limited"),
    Column("started_at", Instant, nullable=False),
    Index(None, "handler", "started_at"),
)

rejects = Table(
    "rejects",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("received_at", Instant, nullable=False),
    Column("request_id", String(64), nullable=False, comment="as in the answer and in the receiver's log"),
    Column("status", Integer, nullable=False),
    Column("code", String(64), nullable=False),
    Column("reason", Text, nullable=False, comment="for the operator; the caller is never told"),
    Column("is_signed", Boolean, nullable=False),
    Column("signature", Text, comment="the header as it came, cut and made storable"),
    Column("size", BigInteger, comment="of the body in bytes, where it is known"),
    Column("not_kept", BigInteger, nullable=False, comment="only counted since the one kept before"),
    # The last column: SQLite reads the others without its overflow pages.
    Column("body", LargeBinary, comment="byte for byte, where it was kept"),
    Index(None, "is_signed", "id"),
    sqlite_autoincrement=True,
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("kind", String(16), nullable=False, comment="receiver, worker or clock"),
    Column("started_at", Instant, nullable=False),
    Column("beat_at", Instant, nullable=False),
    Column("queue", String(QUEUE_CHARACTERS), comment="of a worker: where it takes its jobs"),
)

mirrored_memories = Table(
    "mirrored_memories",
    metadata,
    Column("memory_id", String(SUBJECT_BYTES), primary_key=True),
    Column("content", Text, comment="null of a deleted one"),
    Column("memory", JSON(none_as_null=True), comment="as the API gave it; null of a deleted one"),
    Column("deleted_at", Instant),
    Column("as_of", Instant, nullable=False, comment="of the newest event about it"),
    Column("event_id", String(ID_BYTES), nullable=False, comment="of that event"),
)

project_changes = Table(
    "project_changes",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("project_id", String(SUBJECT_BYTES), nullable=False),
    Column("event_id", String(ID_BYTES), nullable=False, unique=True),
    Column("changed_at", Instant, nullable=False, comment="when ChaozCode says, else arrival"),
    Column("settings", JSON, nullable=False, comment="after the change"),
    Column("difference", JSON, nullable=False, comment="from the change before"),
    Index(None, "project_id", "changed_at", "id"),
)
