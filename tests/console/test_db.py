from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from console.db import db
from eventlog.database import EventLog
from eventlog.revision import HEAD


@pytest.fixture(autouse=True)
def configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_url: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", sqlite_url)


def upgrade() -> str:
    result = CliRunner().invoke(db, ["upgrade"], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


@pytest.mark.without_tables
def test_an_upgrade_says_what_it_did(sqlite_url: str) -> None:
    assert upgrade() == f"{sqlite_url}: now at revision {HEAD}\n"
    assert upgrade() == f"{sqlite_url}: already at revision {HEAD}\n"


def test_without_any_configuration_the_log_is_made_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("HOOKS_HOME", raising=False)
    assert "now at revision" in upgrade()
    assert (tmp_path / ".hooks" / "events.db").exists()
    assert (tmp_path / ".hooks").stat().st_mode & 0o777 == 0o700


def test_on_tables_of_a_newer_release_an_upgrade_has_nothing_to_do(sqlite_url: str) -> None:
    upgrade()
    with closing(EventLog.open(sqlite_url)) as log, log.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    said = upgrade()
    assert "at revision 9999, made by a newer release" in said
    assert f"this one needs {HEAD} and works with it, there is nothing to do" in said
