"""Refused requests are taken in by the same steps as fresh ones, on both databases."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from eventlog.arrival import Receipt
from eventlog.database import EventLog
from eventlog.detail import read_detail
from eventlog.rejects import Quota, RejectFilter, keep, read_rejects
from eventlog.states import State
from receiver import readmission
from receiver.answer import UNSIGNED
from receiver.readmission import Readmission, Verdict, readmit
from receiver.rejection import Rejection
from receiver.signature import sign
from tests.eventlog.stored import opened

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
NEW_SECRET = b"the secret that it was mended to"
QUOTA = Quota(events=1000, bytes=10_000_000)


@pytest.fixture
def log(database_url: str) -> Iterator[EventLog]:
    with closing(opened(database_url)) as log:
        yield log


def event_body(event_id: str, **fields: object) -> bytes:
    return json.dumps({"id": event_id, "type": "memory.stored", **fields}).encode()


def refuse(log: EventLog, *bodies: bytes, secret: bytes = NEW_SECRET) -> None:
    """Refuse requests as the receiver does that does not know this secret yet."""
    rows = [
        Rejection(
            refusal=UNSIGNED,
            request_id=f"req_{at}",
            received_at=NOON,
            body=body,
            signature=sign(body, secret),
        ).as_row([b"an old secret"], not_kept=0)
        for at, body in enumerate(bodies)
    ]
    keep(log, rows, QUOTA)


def admitted(
    log: EventLog, *, sent: list[str] | None = None, dry_run: bool = False
) -> list[tuple[str | None, Verdict]]:
    def send(ids: Sequence[str]) -> None:
        (sent if sent is not None else []).extend(ids)

    rejects = read_rejects(log, RejectFilter())[::-1]
    done: list[Readmission] = list(readmit(log, rejects, keys=[NEW_SECRET], send=send, dry_run=dry_run))
    return [(one.event_id, one.verdict) for one in done]


def left(log: EventLog) -> list[str]:
    return [reject.request_id for reject in read_rejects(log, RejectFilter())[::-1]]


def test_what_verifies_now_is_stored_sent_and_removed(log: EventLog) -> None:
    body = event_body("evt_1", data={"memoryId": "m1"})
    refuse(log, body, event_body("evt_2"))
    sent: list[str] = []
    assert admitted(log, sent=sent) == [("evt_1", Verdict.ACCEPTED), ("evt_2", Verdict.ACCEPTED)]
    assert sent == ["evt_1", "evt_2"]
    assert left(log) == []
    stored = read_detail(log, "evt_1")
    assert stored
    assert (stored.body, stored.subject, stored.state, stored.seen) == (body, "m1", State.QUEUED, 1)
    assert stored.received_at == NOON, "an event keeps the time at which it first came"


def test_what_still_does_not_verify_stays(log: EventLog) -> None:
    refuse(log, event_body("evt_1"), secret=b"quite another secret")
    sent: list[str] = []
    assert admitted(log, sent=sent) == [(None, Verdict.REFUSED)]
    assert left(log) == ["req_0"]
    assert sent == []


def test_what_verifies_and_is_no_event_stays(log: EventLog) -> None:
    refuse(log, b'{"type": "memory.stored"}', event_body("evt_1"), b"[]")
    assert [verdict for _, verdict in admitted(log)] == [
        Verdict.REFUSED,
        Verdict.ACCEPTED,
        Verdict.REFUSED,
    ]
    assert left(log) == ["req_0", "req_2"]


def test_copies_of_one_event_are_taken_in_once(log: EventLog) -> None:
    refuse(log, event_body("evt_1"), event_body("evt_1"), event_body("evt_1", data=2))
    sent: list[str] = []
    assert [verdict for _, verdict in admitted(log, sent=sent)] == [
        Verdict.ACCEPTED,
        Verdict.DUPLICATE,
        Verdict.DUPLICATE,
    ]
    assert sent == ["evt_1"]
    assert left(log) == []
    refuse(log, event_body("evt_1"))
    assert admitted(log, sent=sent) == [("evt_1", Verdict.DUPLICATE)]
    assert sent == ["evt_1"]


def test_a_dry_run_changes_nothing(log: EventLog) -> None:
    refuse(log, event_body("evt_1"), b"[]")
    sent: list[str] = []
    assert admitted(log, sent=sent, dry_run=True) == [
        ("evt_1", Verdict.ADMISSIBLE),
        (None, Verdict.REFUSED),
    ]
    assert (left(log), sent, read_detail(log, "evt_1")) == (["req_0", "req_1"], [], None)


def test_one_is_removed_only_after_it_is_durable(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(log, event_body("evt_1"))

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(readmission, "remove", crash)
        with pytest.raises(KeyboardInterrupt):
            admitted(log)
    assert read_detail(log, "evt_1"), "removed from the ring, or about to be, and not in the log"
    assert admitted(log) == [("evt_1", Verdict.DUPLICATE)]
    assert left(log) == []


@pytest.mark.parametrize("receipt", [Receipt.NOT_STORABLE, Receipt.LOCKED, Receipt.INTERRUPTED])
def test_one_that_the_log_does_not_take_stays_and_says_why(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, receipt: Receipt
) -> None:
    refuse(log, event_body("evt_1"))
    sent: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(readmission, "record", lambda _log, batch: [receipt] * len(batch))
        assert admitted(log, sent=sent) == [(None, Verdict.REFUSED)]
    assert (left(log), sent) == (["req_0"], [])
    assert admitted(log, sent=sent) == [("evt_1", Verdict.ACCEPTED)]


def test_one_whose_body_is_gone_is_still_refused(log: EventLog) -> None:
    refuse(log, event_body("evt_1"))
    with log.write() as connection:
        connection.execute(text("UPDATE rejects SET body = NULL"))
    assert admitted(log) == [(None, Verdict.REFUSED)]


def test_many_are_taken_in_by_batches(log: EventLog) -> None:
    refuse(log, *(event_body(f"evt_{at}") for at in range(250)))
    batches: list[int] = []
    rejects = read_rejects(log, RejectFilter())[::-1]
    done = readmit(log, rejects, keys=[NEW_SECRET], send=lambda ids: batches.append(len(ids)), dry_run=False)
    assert [one.verdict for one in done] == [Verdict.ACCEPTED] * 250
    assert batches == [100, 100, 50]
