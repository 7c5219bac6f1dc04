"""A receiver behind each of its doors, shared by the tests of a file."""

from collections.abc import Iterator

import pytest

from tests.receiver.running_door import RunningDoor, running_door
from tests.servers.valkey import Valkey


@pytest.fixture(scope="module", params=["flask-sqlite", "rsgi-sqlite", "rsgi-postgresql"])
def door(
    request: pytest.FixtureRequest, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningDoor]:
    """Return a running receiver, the same for all of a file's tests: each sends events of its own."""
    kind, _, database = request.param.partition("-")
    if database == "postgresql":
        url = request.getfixturevalue("postgres").fresh_database()
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('log') / 'events.db'}"
    if not valkey.is_running():
        valkey.start()
    with running_door(kind, database_url=url, redis_url=valkey.url) as running:
        yield running
