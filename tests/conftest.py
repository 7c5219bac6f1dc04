"""What every test may ask for: a real Valkey, SQLite and a real PostgreSQL, each empty."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventlog.database import EventLog
from eventlog.schema import upgrade
from tests.compiled_once import compile_once
from tests.servers.memory import folder_in_memory
from tests.servers.postgres import PostgreSQL
from tests.servers.valkey import Valkey


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `make faults` asks for."""
    parser.addoption("--full", action="store_true", help="all faults, all kills, and on both databases")


def pytest_configure() -> None:
    """Let tests' folders lie in memory where that can be: SQLite syncs its file at each commit."""
    compile_once()
    if in_memory := folder_in_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", in_memory)  # pytest's name for where tmp_path begins


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave long faults, and the second database of others, to `make faults`: CI would take too long."""
    if config.getoption("--full"):
        return
    left_out = [item for item in items if item.get_closest_marker("long") or _is_on_another_database(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _is_on_another_database(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("long_on_both")
    if marker is None or not isinstance(item, pytest.Function):
        return False
    return marker.kwargs["otherwise"] not in item.callspec.params.values()


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
    with PostgreSQL(in_memory=True) as server:
        yield server


@pytest.fixture(scope="session")
def migrated(postgres: PostgreSQL) -> str:
    """Return the URL of a PostgreSQL database with the log's tables, to be copied: that is faster."""
    url = postgres.fresh_database()
    log = EventLog.open(url)
    upgrade(log)
    log.close()
    return url


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, postgres: PostgreSQL, migrated: str) -> Iterator[str]:
    """Return the URL of a PostgreSQL database with the log's tables and no rows.

    It has no tables either where the test is marked `without_tables`.
    """
    if not postgres.is_running():
        postgres.start()
    without_tables = request.node.get_closest_marker("without_tables")
    url = postgres.fresh_database(None if without_tables else migrated)
    yield url
    if not postgres.is_running():
        postgres.start()
    postgres.drop_database(url)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an SQLite file with the log's tables, to be copied: that is faster."""
    file = tmp_path_factory.mktemp("migrated") / "events.db"
    log = EventLog.open(f"sqlite:///{file}")
    upgrade(log)
    log.close()
    return file


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path) -> str:
    """Return the URL of an SQLite file with the log's tables and no rows.

    There is no file yet where the test is marked `without_tables`.
    """
    file = tmp_path / "events.db"
    if not request.node.get_closest_marker("without_tables"):
        shutil.copyfile(migrated_file, file)
    return f"sqlite:///{file}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a database without rows: the test runs once on each kind."""
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(fixture)
    return url
