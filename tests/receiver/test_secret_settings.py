"""Where the webhook's secrets come from, and which source wins."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from receiver.secret_settings import (
    SECRET_FILE_VARIABLE,
    SECRET_VARIABLE,
    SecretSettings,
    secret_files,
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(SECRET_VARIABLE, raising=False)
    monkeypatch.delenv(SECRET_FILE_VARIABLE, raising=False)
    (tmp_path / ".hooks").mkdir()
    return tmp_path


def test_the_environment_wins_over_env_and_that_over_a_file_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValidationError):
        SecretSettings()
    (folder / ".hooks" / "webhook-secret").write_text("made_by_up\n")
    with pytest.raises(ValidationError):
        SecretSettings()
    monkeypatch.setenv(SECRET_FILE_VARIABLE, ".hooks/webhook-secret")
    assert SecretSettings().keys == (b"made_by_up",)
    (folder / ".env").write_text(f"{SECRET_VARIABLE}='the_new_one the_old_one'\n")
    assert SecretSettings().keys == (b"the_new_one", b"the_old_one")
    monkeypatch.setenv(SECRET_VARIABLE, "of_the_environment")
    assert SecretSettings().keys == (b"of_the_environment",)
    monkeypatch.setenv(SECRET_VARIABLE, "")
    assert SecretSettings().keys == (b"the_new_one", b"the_old_one")


def test_the_file_may_be_named_in_env(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mounted").write_text("of_the_host\n")
    (folder / ".env").write_text(f"{SECRET_FILE_VARIABLE}=mounted\n")
    assert SecretSettings().keys == (b"of_the_host",)
    assert secret_files() == (Path(".env"), Path("mounted"))
    monkeypatch.setenv(SECRET_FILE_VARIABLE, "nowhere")
    with pytest.raises(ValidationError):
        SecretSettings()


def test_an_empty_file_counts_as_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_FILE_VARIABLE, ".hooks/webhook-secret")
    (folder / ".hooks" / "webhook-secret").write_text("\n")
    with pytest.raises(ValidationError) as raised:
        SecretSettings()
    assert raised.value.errors()[0]["type"] == "missing"


def test_a_secret_too_short_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "long_enough 1234567")
    with pytest.raises(ValidationError, match="at least 8 characters") as raised:
        SecretSettings()
    assert "1234567" not in str(raised.value)
