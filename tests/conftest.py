"""What every test may ask for: a real Valkey, SQLite and a real PostgreSQL, each empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.postgres import PostgreSQL
from tests.servers.valkey import Valkey


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """Return the session's Valkey; a test that stops it need not start it again."""
    with Valkey() as server:
        yield server


@pytest.fixture
def redis_url(valkey: Valkey) -> str:
    """Return the URL of a running, empty Valkey."""
    if not valkey.is_running():
        valkey.start()
    valkey.resume()
    valkey.flush()
    return valkey.url


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    """Return the session's PostgreSQL, started when the first test asks for it."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgreSQL) -> Iterator[str]:
    """Return the URL of an empty PostgreSQL database."""
    if not postgres.is_running():
        postgres.start()
    url = postgres.fresh_database()
    yield url
    if not postgres.is_running():
        postgres.start()
    postgres.drop_database(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'events.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database: the test runs once on each kind."""
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(fixture)
    return url
