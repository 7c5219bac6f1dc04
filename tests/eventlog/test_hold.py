"""What a lease is on, by the run and the queue in which it was claimed."""

import pytest

from eventlog.hold import ORIGINAL_RUN, Hold


@pytest.mark.parametrize(
    ("replay", "queue", "by_event", "sums_up"),
    [
        (ORIGINAL_RUN, None, True, False),
        (ORIGINAL_RUN, "hooks", False, True),
        (ORIGINAL_RUN, "slow", False, True),
        (7, None, False, False),
        (7, "hooks", False, False),
    ],
)
def test_only_the_original_run_is_held_by_its_events_and_only_without_a_queue(
    replay: int, queue: str | None, by_event: bool, sums_up: bool
) -> None:
    hold = Hold(lease="l", replay=replay, queue=queue)
    assert (hold.by_event, hold.sums_up) == (by_event, sums_up)
