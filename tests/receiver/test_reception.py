"""What a reception answers for what the log tells it, where no door can have the log say so."""

from contextlib import closing
from datetime import UTC, datetime

import pytest

from eventlog.arrival import Receipt
from receiver.answer import Answer
from receiver.intake import Intake
from receiver.reception import Reception
from receiver.signature import sign
from tests.receiver.running_door import SECRET, an_event


def received(receipt: Receipt) -> Answer:
    """Send one event to a log that says this of each."""
    intake = Intake(
        lambda batch: [receipt] * len(batch),
        lambda _ids: None,
        capacity_events=10,
        capacity_bytes=10_000,
        longest_wait_seconds=10,
        between_commits=lambda: None,
    )
    intake.start()
    with closing(intake):
        reception = Reception(intake, lambda: [SECRET], lambda: datetime.now(UTC))
        body = an_event("evt_1")
        return reception.receive(body, sign(body, SECRET), "req_1")


@pytest.mark.parametrize("receipt", [Receipt.LOCKED, Receipt.INTERRUPTED])
def test_what_was_not_stored_may_come_again(receipt: Receipt) -> None:
    answer = received(receipt)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("receipt", "status"),
    [(Receipt.NEW, 202), (Receipt.DUPLICATE, 200), (Receipt.DIFFERS, 200), (Receipt.NOT_STORABLE, 422)],
)
def test_what_was_decided_is_told(receipt: Receipt, status: int) -> None:
    assert received(receipt).status == status
