"""What the receiver says of itself where its log or its queue fails as nobody foresaw."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from receiver.health import readiness
from receiver.service import Service, open_service
from receiver.settings import ReceiverSettings

UNUSABLE = "redis://redis..internal:6379"
"""The settings take no such URL; to ask there raises UnicodeError."""


@pytest.fixture
def service(sqlite_url: str) -> Iterator[Service]:
    settings = ReceiverSettings.model_validate({"CHAOZCODE_WEBHOOK_SECRET": "whsec_of_the_test"})
    service = open_service(settings, log_url=sqlite_url, redis_url=UNUSABLE)
    yield service
    service.close()


def test_a_queue_that_fails_as_in_no_outage_is_told_of_and_not_required(service: Service) -> None:
    with capture_logs() as logs:
        answer = readiness(service)
    assert answer.status == 200
    assert answer.payload == {
        "status": "ready",
        "log": "ok",
        "queue": "failed with UnicodeError; events are accepted and wait in the log",
    }
    assert [(line["event"], line["part"], line["exc_info"]) for line in logs] == [
        ("readiness_unknown", "queue", True)
    ]


def test_a_log_that_fails_as_in_no_outage_is_no_readiness_and_told_of(service: Service) -> None:
    with capture_logs() as logs:
        answer = readiness(replace(service, log=object()))  # type: ignore[arg-type]
    assert (answer.status, answer.payload["log"]) == (503, "unavailable")
    assert [(line["event"], line["part"], line["exc_info"]) for line in logs] == [
        ("readiness_unknown", "log", True),
        ("readiness_unknown", "queue", True),
    ]
