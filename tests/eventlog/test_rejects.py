"""The ring of refused requests, on both databases."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventlog.database import EventLog
from eventlog.rejects import (
    NewReject,
    Quota,
    RejectFilter,
    keep,
    read_rejects,
    read_totals,
    read_with_bodies,
    remove,
)
from tests.eventlog.stored import opened

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
ROOMY = Quota(events=100, bytes=1_000_000)


def refused(name: str, *, signed: bool = False, body: bytes | None = b"body", not_kept: int = 0) -> NewReject:
    return NewReject(
        received_at=NOON,
        request_id=name,
        status=422 if signed else 401,
        code="VALIDATION_ERROR" if signed else "UNAUTHORIZED",
        reason="the event's id is missing" if signed else "signature does not fit",
        is_signed=signed,
        signature="sha256=00",
        size=None if body is None else len(body),
        body=body,
        not_kept=not_kept,
    )


def names(log: EventLog, *, signed: bool | None = None) -> list[str]:
    """Give the ring's requests, the oldest first."""
    return [reject.request_id for reject in read_rejects(log, RejectFilter(is_signed=signed))[::-1]]


def bodies(log: EventLog) -> dict[str, bytes | None]:
    found = read_rejects(log, RejectFilter())[::-1]
    return {reject.request_id: body for batch in read_with_bodies(log, found) for reject, body in batch}


def test_what_is_kept_can_be_read_again(log: EventLog) -> None:
    body = b"\x00\xff any bytes"
    keep(log, [refused("a", body=body, not_kept=7), refused("b", body=None)], ROOMY)
    second, first = read_rejects(log, RejectFilter())
    assert (first.request_id, first.received_at, first.size, first.not_kept) == ("a", NOON, len(body), 7)
    assert (first.is_signed, first.has_body, second.has_body, second.size) == (False, True, False, None)
    assert first.signature == "sha256=00"
    assert bodies(log) == {"a": body, "b": None}


def test_the_oldest_give_way_when_there_are_too_many(log: EventLog) -> None:
    quota = Quota(events=3, bytes=1000)
    for at in range(5):
        keep(log, [refused(f"r{at}")], quota)
    assert names(log) == ["r2", "r3", "r4"]
    keep(log, [refused(f"s{at}") for at in range(7)], quota)
    assert names(log) == ["s4", "s5", "s6"]


def test_the_oldest_give_way_when_their_bodies_are_too_large(log: EventLog) -> None:
    quota = Quota(events=100, bytes=100)
    keep(log, [refused("a", body=b"x" * 60), refused("none", body=None), refused("b", body=b"x" * 40)], quota)
    assert names(log) == ["a", "none", "b"]
    keep(log, [refused("c", body=b"x")], quota)
    assert names(log) == ["none", "b", "c"]


def test_a_body_larger_than_the_quota_pushes_nothing_out(log: EventLog) -> None:
    quota = Quota(events=100, bytes=100)
    keep(log, [refused("a"), refused("giant", body=b"x" * 101)], quota)
    assert bodies(log) == {"a": b"body", "giant": None}
    assert read_rejects(log, RejectFilter())[0].size == 101


def test_a_quota_of_no_bytes_keeps_no_bodies_and_of_no_requests_nothing(log: EventLog) -> None:
    keep(log, [refused("a"), refused("empty", body=b"")], Quota(events=10, bytes=0))
    assert bodies(log) == {"a": None, "empty": b""}
    keep(log, [refused("b")], Quota(events=0, bytes=100))
    assert names(log) == []


def test_a_smaller_quota_holds_from_the_next_write_on_for_both_kinds(log: EventLog) -> None:
    keep(log, [refused(f"{at}", signed=at % 2 == 0) for at in range(10)], ROOMY)
    keep(log, [refused("last")], Quota(events=2, bytes=1000))
    assert names(log, signed=False) == ["9", "last"]
    assert names(log, signed=True) == ["6", "8"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[EventLog, str]]:
    """Return one log for all examples of a property."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").fresh_database()
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('log') / 'events.db'}"
    with closing(opened(url)) as log:
        yield log, request.param


Batch = list[tuple[bool, int]]
batches = st.lists(st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=8), max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=batches, events=st.integers(0, 6), size=st.integers(0, 150))
def test_each_kind_keeps_its_newest_whatever_comes_of_the_other(
    shared: tuple[EventLog, str], batches: list[Batch], events: int, size: int
) -> None:
    """A flood of one kind never pushes the other out: the ring is what each kind alone would have left."""
    log, _ = shared
    remove(log, [reject.id for reject in read_rejects(log, RejectFilter())])
    quota = Quota(events=events, bytes=size)
    wanted: dict[bool, list[tuple[str, int]]] = {True: [], False: []}
    number = 0
    for batch in batches:
        rows = []
        for signed, length in batch:
            number += 1
            rows.append(refused(str(number), signed=signed, body=b"x" * length))
            wanted[signed].append((str(number), length if length <= size else 0))
        keep(log, rows, quota)
        wanted = {kind: newest_within(kept, quota) for kind, kept in wanted.items()}
    for kind in (True, False):
        assert names(log, signed=kind) == [name for name, _ in wanted[kind]]
        assert read_totals(log)[kind].bytes == sum(length for _, length in wanted[kind]) <= size


def newest_within(kept: list[tuple[str, int]], quota: Quota) -> list[tuple[str, int]]:
    kept = kept[max(0, len(kept) - quota.events) :]
    while sum(length for _, length in kept) > quota.bytes:
        kept = kept[1:]
    return kept


def test_a_flood_of_unsigned_never_pushes_out_a_signed_one(log: EventLog) -> None:
    quota = Quota(events=20, bytes=2_000)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    keep(log, [refused(f"signed{at}", signed=True, body=b"x" * 100) for at in range(20)], quota)
    for _ in range(20):
        keep(log, [refused("flood", body=b"x" * chance.randrange(300)) for _ in range(50)], quota)
    assert names(log, signed=True) == [f"signed{at}" for at in range(20)]
    unsigned = read_totals(log)[False]
    assert 0 < unsigned.events <= 20
    assert unsigned.bytes <= 2_000


def test_several_receivers_at_once_leave_no_more_than_the_quota(log: EventLog) -> None:
    quota = Quota(events=7, bytes=1000)

    def write(place: int) -> None:
        for at in range(10):
            keep(log, [refused(f"{place}-{at}", signed=signed) for signed in (True, False)], quota)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert [totals.events for totals in read_totals(log).values()] == [7, 7]


def test_they_are_chosen_by_kind_time_code_status_and_number(log: EventLog) -> None:
    keep(log, [refused("u"), refused("s", signed=True)], ROOMY)

    def chosen(wanted: RejectFilter) -> list[str]:
        return [reject.request_id for reject in read_rejects(log, wanted)]

    assert chosen(RejectFilter()) == ["s", "u"]
    assert chosen(RejectFilter(is_signed=True)) == ["s"]
    assert chosen(RejectFilter(code="401")) == chosen(RejectFilter(code="unauthorized")) == ["u"]
    assert chosen(RejectFilter(since=NOON)) == ["s", "u"]
    assert chosen(RejectFilter(since=NOON + timedelta(seconds=1))) == []
    (last,) = read_rejects(log, RejectFilter(), limit=1)
    assert chosen(RejectFilter(ids=(last.id,))) == ["s"]
    assert chosen(RejectFilter(ids=())) == []


def test_they_are_counted_by_kind(log: EventLog) -> None:
    assert {totals.events for totals in read_totals(log).values()} == {0}
    keep(
        log, [refused("a", not_kept=3), refused("b", body=None, not_kept=2), refused("c", signed=True)], ROOMY
    )
    totals = read_totals(log)
    assert (totals[False].events, totals[False].bytes, totals[False].not_kept) == (2, 4, 5)
    assert (totals[True].events, totals[True].bytes, totals[True].not_kept) == (1, 4, 0)


def test_bodies_are_read_some_at_a_time(log: EventLog) -> None:
    big = b"x" * 2_000_000
    keep(log, [refused(str(at), body=big) for at in range(5)], Quota(events=9, bytes=20_000_000))
    found = read_rejects(log, RejectFilter())
    assert [len(batch) for batch in read_with_bodies(log, found)] == [3, 2]


def test_numbers_are_never_given_twice(log: EventLog) -> None:
    keep(log, [refused("a")], ROOMY)
    (first,) = read_rejects(log, RejectFilter())
    remove(log, [first.id])
    keep(log, [refused("b")], ROOMY)
    assert read_rejects(log, RejectFilter())[0].id > first.id
