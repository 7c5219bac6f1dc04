"""Look for what is ill, at a bounded cost: in what is unfinished and what is newest, or part by part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    bindparam,
    case,
    func,
    literal_column,
    select,
    true,
    tuple_,
)

from eventlog.database import EventLog
from eventlog.hold import ORIGINAL_RUN
from eventlog.query_plans import is_at_rest, is_unended_alone, is_unfinished
from eventlog.reconciliation.ailment import IN_A_REPLAY, Ailment, Among
from eventlog.states import State
from eventlog.tables import deliveries, events

ROWS: Final = 500
"""So many rows are looked through in each way, unless the whole log is to be."""
PART: Final = 20_000
"""So many events at a time, where it is."""
FOUND_AT_MOST: Final = 1000
"""More than these are not looked for."""

_ALONE: Final = is_unended_alone(deliveries)
_IN_LINES: Final = deliveries.c.line.isnot(None)
_IN_ORDER: Final = {
    Among.ALONE: (deliveries.c.handler, deliveries.c.state, deliveries.c.event_seq),
    Among.IN_LINES: (deliveries.c.handler, deliveries.c.line, deliveries.c.event_seq),
}
"""As the indexes of those have them."""

_IN_STATE: Final = {
    Among.QUEUED: State.QUEUED,
    Among.RUNNING: State.RUNNING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Events between two seqs."""

    after: int
    upto: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ill:
    """One row that is ill."""

    key: int
    event_seq: int
    event_id: str
    handler: str | None
    """None for an event."""
    replay: int
    state: str

    @property
    def name(self) -> str:
        of_replay = "" if self.replay == ORIGINAL_RUN else f" (replay {self.replay})"
        return f"{self.event_id}{'' if self.handler is None else f' {self.handler}'}{of_replay}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much there is to look through."""

    unfinished: int
    """Events; counted up to ROWS + 1."""
    last_seq: int


def suspected(log: EventLog, ailments: Sequence[Ailment]) -> list[Ailment]:
    """Leave out what none of the rows has that are looked through by default: a search finds those.

    A healthy log is thus asked once for each way, not for each ailment.
    """
    seen: set[Ailment] = set()
    with log.read() as connection:
        last_seq = _last_seq(connection)
        for (table, among), sharing in _by_way(tuple(ailments)).items():
            if among is Among.DUE:
                seen.update(sharing)  # each has rows of its own
                continue
            found = connection.execute(
                _any_of_some(table, among, sharing, ROWS), {"last_seq": last_seq}
            ).one()
            seen.update(ailment for ailment, is_there in zip(sharing, found, strict=True) if is_there)
    return [ailment for ailment in ailments if ailment in seen]


def search(log: EventLog, ailment: Ailment, part: Part | None = None) -> list[Ill]:
    """Find the first that have an ailment, in a part of the log or where it is looked for by default."""
    found: dict[int, Ill] = {}
    with log.read() as connection:
        for query in _queries(connection, ailment, part):
            for row in connection.execute(query):
                found.setdefault(row.key, _ill(row))
    return sorted(found.values(), key=lambda ill: (ill.event_seq, ill.key))


Place = tuple[str, str, int]
"""Where a row stands in the order of its index."""


def search_on(
    log: EventLog, ailment: Ailment, start: Place | None, *, rows: int
) -> tuple[list[Ill], Place | None]:
    """Find those that have an ailment of deliveries that run alone, among so many rows from a place on.

    Gives the place to go on from, too: None where this was the end, and the start comes next.
    """
    (among,) = ailment.among
    order, of_way = _IN_ORDER[among], _ALONE if among is Among.ALONE else _IN_LINES
    place = tuple_(*order)
    from_start = true() if start is None else place >= start
    last = select(*order).where(of_way, from_start).order_by(*order).offset(rows - 1).limit(1)
    with log.read() as connection:
        found = connection.execute(last).one_or_none()
        end = None if found is None else (found[0], found[1], found[2])
        # The last one is looked at again: several rows, of an event's runs, may stand in one place.
        upto_end = true() if end is None else place <= end
        ills = [_ill(row) for row in connection.execute(_of(ailment).where(of_way, from_start, upto_end))]
    return ills, end


def measure(log: EventLog) -> Extent:
    """Count what is unfinished, and tell how far the log goes."""
    counted = select(events.c.due_at).where(is_unfinished(events)).limit(ROWS + 1)
    with log.read() as connection:
        return Extent(
            unfinished=connection.execute(select(func.count()).select_from(counted.subquery())).scalar_one(),
            last_seq=_last_seq(connection),
        )


def parts(extent: Extent) -> Iterator[Part]:
    """Give the whole log part by part, the oldest events first."""
    for after in range(0, extent.last_seq, PART):
        yield Part(after=after, upto=min(after + PART, extent.last_seq))


def _queries(connection: Connection, ailment: Ailment, part: Part | None) -> Iterator[Select[Any]]:
    if part is not None:
        seq = _seq(ailment.table)
        yield _of(ailment).where(seq > part.after, seq <= part.upto).limit(FOUND_AT_MOST)
        return
    for among in ailment.among:
        query = _of_some(ailment, among, ROWS).limit(FOUND_AT_MOST)
        yield query.params(last_seq=_last_seq(connection)) if among is Among.NEWEST else query


def _of(ailment: Ailment) -> Select[Any]:
    return _select(ailment.table).where(ailment.is_ill)


@cache
def _by_way(ailments: tuple[Ailment, ...]) -> dict[tuple[Table, Among], tuple[Ailment, ...]]:
    found: dict[tuple[Table, Among], tuple[Ailment, ...]] = {}
    for ailment in ailments:
        for among in ailment.among:
            way = ailment.table, among
            found[way] = (*found.get(way, ()), ailment)
    return found


@cache
def _any_of_some(table: Table, among: Among, ailments: tuple[Ailment, ...], rows: int) -> Select[Any]:
    """Ask of each of the ailments whether any of the rows has it."""
    has = (func.max(case((ailment.is_ill, 1), else_=0)) for ailment in ailments)
    return select(*has).select_from(table).where(_is_among(table, among, rows))


@cache
def _of_some(ailment: Ailment, among: Among, rows: int) -> Select[Any]:
    # Building it takes longer than running it.
    query = _of(ailment)
    if among is Among.DUE and ailment.table is deliveries:
        query = query.order_by(deliveries.c.due_at)  # this leads SQLite to the index by due time
    return query.where(_is_among(ailment.table, among, rows))


def _select(table: Table) -> Select[Any]:
    if table is events:
        return select(
            events.c.seq.label("key"),
            events.c.seq.label("event_seq"),
            events.c.id.label("event_id"),
            literal_column("NULL").label("handler"),
            literal_column(str(ORIGINAL_RUN)).label("replay"),
            events.c.state,
        )
    return select(
        deliveries.c.id.label("key"),
        deliveries.c.event_seq,
        events.c.id.label("event_id"),
        deliveries.c.handler,
        deliveries.c.replay,
        deliveries.c.state,
    ).outerjoin_from(deliveries, events, events.c.seq == deliveries.c.event_seq)


def _is_among(table: Table, among: Among, at_most: int) -> ColumnElement[bool]:
    key = next(iter(table.primary_key))
    if among is Among.DUE:
        return true()
    if among is Among.LEASED:
        return table.c.lease.isnot(None)
    if among is Among.NEWEST:
        return events.c.seq > bindparam("last_seq", type_=BigInteger) - at_most
    if among is Among.ALONE:
        rows = select(key).where(_ALONE).order_by(*_IN_ORDER[among])
    elif among is Among.IN_LINES:
        rows = select(key).where(_IN_LINES).order_by(*_IN_ORDER[among])
    elif among is Among.IN_REPLAYS:
        rows = select(key).where(is_unfinished(deliveries), IN_A_REPLAY).order_by(deliveries.c.due_at)
    elif among is Among.IN_RUNS:
        column = key if table is deliveries else deliveries.c.event_seq
        rows = select(column).where(is_unfinished(deliveries)).order_by(deliveries.c.event_seq)
    elif among is Among.WAITING:
        waiting = (is_at_rest(events), events.c.state == State.WAITING)
        rows = select(key).where(*waiting).order_by(events.c.state, events.c.seq)
    else:
        in_state = (is_unfinished(events), events.c.state == _IN_STATE[among])
        rows = select(key).where(*in_state).order_by(events.c.due_at)
    return key.in_(rows.limit(at_most).correlate(None).subquery().select())


def _seq(table: Table) -> ColumnElement[int]:
    return events.c.seq if table is events else deliveries.c.event_seq


def _last_seq(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.max(events.c.seq), 0))).scalar_one())


def _ill(row: Row[Any]) -> Ill:
    return Ill(
        key=row.key,
        event_seq=row.event_seq,
        event_id=row.event_id or f"event {row.event_seq}",
        handler=row.handler,
        replay=row.replay,
        state=row.state,
    )
