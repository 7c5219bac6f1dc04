"""A handler's process is killed in each window: how often its effect takes place then, and how it ends.

The table is what docs/handlers.md promises, row for row. A killed child is charged to the delivery, as one
attempt; of a killed worker nobody is left to charge it, and its lease ends first.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from eventlog.states import State
from tests.servers.postgres import PostgreSQL
from tests.servers.valkey import Valkey
from tests.workers.worksite import Site, Started

HANDLERS = Path(__file__).with_name("dying_handlers.py")
DEADLINE_SECONDS = 45


class Place:
    """One worker at a time, and a clock, which the rows of the table share."""

    def __init__(self, site: Site) -> None:
        shutil.copy(HANDLERS, site.folder)
        with site.log.write() as connection:
            connection.execute(text("CREATE TABLE kept (event_id VARCHAR(255) NOT NULL)"))
        self.site = site
        self._clock = site.clock()
        self._worker: Started | None = None

    def have_a_worker(self) -> Started:
        if self._worker is None or not self._worker.is_running():
            self._worker = self.site.worker()
        return self._worker

    def play(self, handler: str, dies: str, kills: str) -> str:
        """Send an event whose handler dies there, and wait until it is done all the same; gives its id."""
        worker = self.have_a_worker()
        (event_id,) = self.site.send(f"{handler}.x", {"dies": dies, "kills": kills})
        if kills == "worker":
            worker.wait(DEADLINE_SECONDS)
            self.have_a_worker()
        assert self.site.wait_until_settled([event_id], DEADLINE_SECONDS) == [State.DONE]
        assert (self.site.folder / f"death of {event_id}").exists(), "nothing was killed there"
        return event_id

    def effects(self, event_id: str) -> list[str]:
        return (self.site.folder / f"effects of {event_id}").read_text().split()

    def rows(self, event_id: str) -> int:
        query = text("SELECT count(*) FROM kept WHERE event_id = :id")
        with self.site.log.read() as connection:
            return int(connection.execute(query, {"id": event_id}).scalar_one())


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("killed")
    url = f"sqlite:///{folder / 'events.db'}"
    if request.param == "postgresql":
        postgres: PostgreSQL = request.getfixturevalue("postgres")
        url = postgres.fresh_database(request.getfixturevalue("migrated"))
    with Valkey() as valkey:
        site = Site(
            folder,
            url,
            valkey.url,
            HOOKS_HANDLERS="dying_handlers",
            HOOKS_LEASE_SECONDS="3",
            HOOKS_GRACE_SECONDS="5",
        )
        try:
            yield Place(site)
        finally:
            site.close()


pytestmark = pytest.mark.long_on_both(otherwise="sqlite")

ONCE, TWICE = 1, 2
LONG = pytest.mark.long
"""Rows whose windows others have, too."""


@pytest.mark.parametrize(
    ("handler", "dies", "effects", "kills"),
    [
        pytest.param("plain", "before the effect", ONCE, "child", marks=LONG),
        ("plain", "after the effect", TWICE, "child"),
        ("plain", "before the outcome is on record", TWICE, "child"),
        ("once", "before the step", ONCE, "child"),
        ("once", "in the step, before its effect", ONCE, "child"),
        ("once", "after the effect, before the record", TWICE, "child"),
        ("once", "in the record, before its commit", TWICE, "child"),
        ("once", "after the record", ONCE, "child"),
        pytest.param("once", "before the outcome is on record", ONCE, "child", marks=LONG),
        ("once", "after the effect, before the record", TWICE, "worker"),
        pytest.param("once", "after the record", ONCE, "worker", marks=LONG),
    ],
)
def test_an_effect_on_the_world_outside(
    place: Place, handler: str, dies: str, effects: int, kills: str
) -> None:
    event_id = place.play(handler, dies, kills)
    assert len(place.effects(event_id)) == effects
    charged = kills == "child" and dies != "before the outcome is on record"
    assert place.site.delivery(event_id, handler).attempts == (2 if charged else 1)
    on_record = [(effect.key, effect.result) for effect in place.site.detail(event_id).effects]
    assert on_record == ([("act", '"the answer"')] if handler == "once" else [])


@pytest.mark.parametrize(
    ("dies", "requests", "kills"),
    [
        pytest.param("before the effect", ONCE, "child", marks=LONG),
        ("after the effect", TWICE, "child"),
        pytest.param("before the outcome is on record", TWICE, "child", marks=LONG),
        pytest.param("after the effect", TWICE, "worker", marks=LONG),
    ],
)
def test_an_effect_at_an_api_that_takes_a_key(place: Place, dies: str, requests: int, kills: str) -> None:
    event_id = place.play("key", dies, kills)
    sent = place.effects(event_id)
    assert (len(sent), len(set(sent))) == (requests, ONCE), "the same key in each attempt"


@pytest.mark.parametrize(
    ("dies", "calls", "attempts", "kills"),
    [
        pytest.param("before the block", TWICE, 2, "child", marks=LONG),
        ("in the block", TWICE, 2, "child"),
        ("at its commit", TWICE, 2, "child"),
        ("after its commit", ONCE, 1, "child"),
        ("before the event is closed", ONCE, 1, "child"),
        pytest.param("in the block", TWICE, 1, "worker", marks=LONG),
        pytest.param("after its commit", ONCE, 1, "worker", marks=LONG),
    ],
)
def test_an_effect_in_the_logs_own_database(
    place: Place, dies: str, calls: int, attempts: int, kills: str
) -> None:
    event_id = place.play("transaction", dies, kills)
    assert place.rows(event_id) == ONCE
    assert len(place.effects(event_id)) == calls
    delivery = place.site.delivery(event_id, "transaction")
    assert (delivery.state, delivery.attempts) == (State.DONE, attempts)
