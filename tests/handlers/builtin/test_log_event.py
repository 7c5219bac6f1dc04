"""The built-in example."""

import pytest

from eventlog.event import KNOWN_TYPES
from handlers.builtin.log_event import log_event, router
from handlers.testing import Succeeded, make_event, run


@pytest.mark.parametrize("event_type", KNOWN_TYPES)
def test_every_documented_type_is_logged_with_its_subject(event_type: str) -> None:
    event = make_event(event_type, memoryId="m", agentId="a", projectId="p")
    result = run(router, event)
    assert result.outcome == Succeeded()
    (entry,) = result.logs
    assert (entry["event"], entry["log_level"]) == ("event_seen", "info")
    assert (entry["type"], entry["subject"], entry["event_id"]) == (event_type, event.subject, event.id)
    assert entry["handler"] == "log_event"


def test_other_types_stay_unhandled() -> None:
    assert router.for_type("webhook.test") == ()
    assert router.handlers[0].function is log_event


def test_it_does_not_keep_events_from_being_tried_in_a_dry_run() -> None:
    assert router.handlers[0].dry_run
