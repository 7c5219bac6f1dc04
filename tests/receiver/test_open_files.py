import resource

import pytest

from receiver.open_files import connections_within


@pytest.mark.parametrize(
    ("limit", "connections"),
    [
        (resource.RLIM_INFINITY, 16_384),
        (1_000_000, 16_384),
        (17_408, 16_384),
        (17_407, 16_383),
        (4096, 3584),
        (1024, 896),
        (256, 192),
        (64, 1),
    ],
)
def test_some_files_stay_free_for_the_log_and_the_queue(limit: int, connections: int) -> None:
    assert connections_within(limit) == connections
