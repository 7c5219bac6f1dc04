"""The test event is looked for in the log, whatever it looks like."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from console.webhooks.round_trip import RoundTrip, make_round_trip
from eventlog.acceptance import record
from eventlog.arrival_watch import ArrivalWatch
from eventlog.database import EventLog
from eventlog.event import Event
from eventlog.rejects import NewReject, Quota, keep
from eventlog.schema import upgrade


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    with closing(EventLog.open(database_url)) as opened:
        upgrade(opened)
        arrive(opened, "evt_known", "memory.stored")
        arrive(opened, "evt_again_and_again", "memory.stored")
        arrive(opened, "evt_again_and_again", "memory.stored")
        yield opened


def arrive(log: EventLog, event_id: str, event_type: str) -> None:
    body = b'{"id": "' + event_id.encode() + b'"}'
    record(log, [Event(id=event_id, type=event_type, body=body, received_at=datetime.now(UTC))])


def refuse(log: EventLog, *, is_signed: bool, reason: str) -> None:
    refused = NewReject(
        received_at=datetime.now(UTC),
        request_id="req_1",
        status=422 if is_signed else 401,
        code="X",
        reason=reason,
        is_signed=is_signed,
        signature=None,
        size=2,
        body=b"{}",
    )
    keep(log, [refused], Quota(events=10, bytes=1000))


class Clock:
    """Goes on by itself at each look; what is planned happens at its time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.plan: list[tuple[float, Any]] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for planned in [each for each in self.plan if each[0] <= self.now]:
            self.plan.remove(planned)
            planned[1]()


def trip(log: EventLog, reply: Mapping[str, Any], *plan: tuple[float, Any]) -> RoundTrip:
    clock = Clock()
    clock.plan = list(plan)
    return make_round_trip(
        ArrivalWatch(log),
        lambda: reply,
        not_the_event="wh_1",
        within_seconds=30,
        clock=clock,
        sleep=clock.sleep,
    )


def test_the_event_that_the_reply_names_is_waited_for(log: EventLog) -> None:
    found = trip(
        log,
        {"ok": True, "webhookId": "wh_1", "event": {"id": "evt_mine"}},
        (0.1, lambda: arrive(log, "evt_other", "memory.stored")),
        (1.0, lambda: arrive(log, "evt_mine", "memory.stored")),
    )
    assert found.arrival
    assert (found.arrival.id, found.is_certain) == ("evt_mine", True)
    assert 1.0 <= found.seconds < 1.6


def test_where_the_reply_names_none_anything_new_is_taken(log: EventLog) -> None:
    found = trip(log, {"ok": True}, (0.5, lambda: arrive(log, "evt_any", "memory.stored")))
    assert found.arrival
    assert (found.arrival.id, found.is_certain, found.arrival.is_again) == ("evt_any", False, False)
    found = trip(log, {}, (0.5, lambda: arrive(log, "evt_odd", "ping")))
    assert found.is_certain


def test_an_id_that_is_none_of_an_event_holds_it_up_for_a_moment_only(log: EventLog) -> None:
    found = trip(log, {"deliveryId": "dlv_1"}, (0.1, lambda: arrive(log, "evt_any", "memory.stored")))
    assert found.arrival
    assert not found.is_certain
    assert 2 < found.seconds < 3


@pytest.mark.parametrize("known", ["evt_known", "evt_again_and_again"])
def test_a_duplicate_counts(log: EventLog, known: str) -> None:
    found = trip(log, {}, (0.5, lambda: arrive(log, known, "memory.stored")))
    assert found.arrival
    assert (found.arrival.id, found.arrival.is_again) == (known, True)


def test_what_is_refused_is_told_with_its_reason(log: EventLog) -> None:
    refuse(log, is_signed=False, reason="of yesterday")
    found = trip(log, {}, (0.5, lambda: refuse(log, is_signed=False, reason="signature does not fit")))
    assert not found.is_proved
    assert [reject.reason for reject in found.refused] == ["signature does not fit"]
    assert found.seconds < 5


def test_a_signed_request_that_is_no_event_proves_the_secret(log: EventLog) -> None:
    found = trip(log, {}, (0.5, lambda: refuse(log, is_signed=True, reason="The event's id is missing.")))
    assert found.is_proved
    assert found.unusable


def test_a_stranger_who_is_refused_does_not_hide_the_event(log: EventLog) -> None:
    found = trip(
        log,
        {},
        (0.1, lambda: refuse(log, is_signed=False, reason="no signature header")),
        (1.5, lambda: arrive(log, "evt_test_1", "memory.stored")),
    )
    assert found.is_proved
    assert found.is_certain


def test_nothing_within_the_time_is_nothing(log: EventLog) -> None:
    found = trip(log, {})
    assert not found.is_proved
    assert 30 <= found.seconds < 31
