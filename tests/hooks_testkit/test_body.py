"""Only an event's body is sent: what is said beside it does not arrive."""

import pytest

from handlers import Context, Event
from handlers.testing import make_event
from hooks_testkit.path import EventPath, deliver


def note(event: Event, ctx: Context) -> None:
    ctx.log.info("seen", subject=event.subject)


def test_a_subject_that_is_given_arrives() -> None:
    delivered = deliver(note, make_event("agent.failed", subject="a"))
    assert [line["subject"] for line in delivered.logs] == ["a"]


def test_a_subject_that_the_body_can_not_name_is_told_before_it_is_lost() -> None:
    path = EventPath(note)
    with pytest.raises(ValueError, match=r"has the subject 's', but its body, .* names None"):
        path.send(make_event("ping", subject="s"))


def test_an_event_made_by_hand_needs_no_subject_and_no_readable_data() -> None:
    made = make_event("agent.failed", agentId="a")
    by_hand = Event(id=made.id, type=made.type, received_at=made.received_at, body=made.body)
    assert [line["subject"] for line in deliver(note, by_hand).logs] == ["a"]
    hollow = Event(
        id="e", type="ping", received_at=made.received_at, body=b'{"id": "e", "type": "ping", "data": 1e999}'
    )
    assert EventPath(note).send(hollow).status in {202, 400}
