"""The plugin for pytest: each part of the kit as a fixture.

pytest loads this in every project of the machine's Python: nothing of ours is imported before a test asks.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from handlers import Event
    from handlers.testing import Run
    from hooks_testkit import FakeChaozCode, FakeChucky
    from hooks_testkit.delivered import Delivered
    from hooks_testkit.path import EventPath
    from hooks_testkit.storm import Storm


@pytest.fixture
def make_event() -> "Callable[..., Event]":
    """Give `handlers.testing.make_event`, which makes an event as ChaozCode would send it."""
    from handlers.testing import make_event as make  # noqa: PLC0415 - see above

    return make


@pytest.fixture
def run() -> "Callable[..., Run]":
    """Give `handlers.testing.run`, which runs a handler once, on a log in memory."""
    from handlers.testing import run as run_  # noqa: PLC0415

    return run_


@pytest.fixture
def event_path() -> "Iterator[Callable[..., EventPath]]":
    """Give `hooks_testkit.path.EventPath`, made for routers and handlers; closed when the test is over."""
    from hooks_testkit.path import EventPath  # noqa: PLC0415

    made: list[EventPath] = []

    def make(*what: Any, **options: Any) -> EventPath:  # noqa: ANN401 - as EventPath takes them
        made.append(EventPath(*what, **options))
        return made[-1]

    yield make
    for path in made:
        path.close()


@pytest.fixture
def deliver(event_path: "Callable[..., EventPath]") -> "Callable[..., Delivered]":
    """Give `hooks_testkit.path.deliver`, which takes an event the whole path, from signature to outcome."""

    def deliver_(what: Any, event: "Event", **options: Any) -> "Delivered":  # noqa: ANN401
        return event_path(what, **options).deliver(event)

    return deliver_


@pytest.fixture
def storm() -> "type[Storm]":
    """Give `hooks_testkit.storm.Storm`, which is made for routers and handlers."""
    from hooks_testkit.storm import Storm  # noqa: PLC0415

    return Storm


@pytest.fixture
def chaozcode() -> "FakeChaozCode":
    """Give a ChaozCode of the test's own, for `run(..., chaozcode=chaozcode)` and the like."""
    from hooks_testkit import FakeChaozCode  # noqa: PLC0415

    return FakeChaozCode()


@pytest.fixture
def chucky() -> "FakeChucky":
    """Give a Chucky of the test's own, for `run(..., chucky=chucky)` and the like."""
    from hooks_testkit import FakeChucky  # noqa: PLC0415

    return FakeChucky()
