import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from eventlog.settings import LogSettings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with nothing set."""
    for name in ("DATABASE_URL", "HOOKS_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_configuration_the_log_is_a_file_in_the_working_folder(folder: Path) -> None:
    assert LogSettings().url == f"sqlite:///{folder}/.hooks/events.db"


def test_the_file_is_in_the_folder_of_everything_embedded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKS_HOME", "elsewhere")
    settings = LogSettings()
    assert settings.url == f"sqlite:///{folder}/elsewhere/events.db"


def test_a_url_that_is_given_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://u:secret@h/d")
    assert LogSettings().url == "postgres://u:secret@h/d"


def test_an_empty_url_counts_as_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    assert LogSettings().url == f"sqlite:///{folder}/.hooks/events.db"


def test_a_dotenv_file_is_read_and_the_environment_goes_before_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("DATABASE_URL=sqlite:////from/file.db\nPORT=1\n")
    assert LogSettings().url == "sqlite:////from/file.db"
    monkeypatch.setenv("DATABASE_URL", "sqlite:////from/environment.db")
    assert LogSettings().url == "sqlite:////from/environment.db"
    assert "PORT" not in os.environ


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "u:secret@h", "postgresql://u:secret@h:secret/d"])
def test_an_unusable_url_names_its_variable_and_says_what_to_do_but_not_the_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(ValidationError) as refusal:
        LogSettings()
    words = str(refusal.value)
    assert "DATABASE_URL" in words
    assert "sqlite:///path/to/file.db" in words
    assert "secret" not in words
