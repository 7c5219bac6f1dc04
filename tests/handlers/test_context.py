"""What a handler is given beside the event."""

from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from handlers.context import Context


def context(**changes: Any) -> Context:
    values: dict[str, Any] = {
        "log": structlog.get_logger(),
        "handler": "explain",
        "event_id": "evt_1",
        "attempt": 1,
        "replay": 0,
        "deadline": datetime(2026, 1, 30, 12, tzinfo=UTC),
    }
    return Context(**values | changes)


def test_only_a_numbered_run_is_a_replay() -> None:
    assert not context().is_replay
    assert context(replay=3).is_replay


def test_a_context_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        context().attempt = 2  # type: ignore[misc]


def test_a_key_is_stable_over_attempts() -> None:
    later = datetime(2027, 1, 1, tzinfo=UTC)
    assert context().idempotency_key("ask") == context(attempt=4, deadline=later).idempotency_key("ask")


def test_a_key_does_not_change_between_releases() -> None:
    # `printf '["evt_1", "explain", 0, "ask"]' | sha256sum`: a new form would repeat steps in flight.
    assert (
        context().idempotency_key("ask") == "92d6b9b08f2516d52aca4506b6cf3f607f2b2627c640897b2d1371da768e1594"
    )


parts = st.tuples(st.text(), st.text(), st.integers(0, 3), st.text(st.characters(exclude_categories=[])))


@given(parts, parts)
def test_keys_differ_when_event_handler_replay_or_step_do(
    one: tuple[Any, ...], other: tuple[Any, ...]
) -> None:
    keys = [
        context(event_id=event_id, handler=handler, replay=replay).idempotency_key(step)
        for event_id, handler, replay, step in (one, other)
    ]
    assert (keys[0] == keys[1]) == (one == other)


@pytest.mark.parametrize("step", ['k", 0, "s', 'k"', "k,", "k\0", "k"])
def test_no_text_can_move_the_border_between_two_parts(step: str) -> None:
    moved = context(handler=f"explain{step}").idempotency_key("ask")
    assert context().idempotency_key(f"{step}ask") != moved
