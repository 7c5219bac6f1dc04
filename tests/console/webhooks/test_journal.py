"""The record of changes: private, without secrets, and in one hand at a time."""

from pathlib import Path

import pytest

from console.webhooks.journal import Change, Journal, JournalUnusable

API = "https://api.chaozcode.com/v2"


def test_a_change_is_found_again_until_it_ends(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "home", API)
    change = Change(
        url="https://a.example/", events=("agent.failed",), old=("wh_1",), secret="f1", made="wh_2"
    )
    journal.note(change)
    assert Journal(tmp_path / "home", API).change_of(change.url) == change
    assert Journal(tmp_path / "home", "http://127.0.0.1:8010/v2").change_of(change.url) is None
    assert journal.secrets_elsewhere(but="https://b.example/") == {"f1"}
    assert journal.secrets_elsewhere(but=change.url) == frozenset()
    journal.finish(change)
    assert journal.change_of(change.url) is None
    assert journal.secrets_by_webhook() == {"wh_2": "f1"}
    journal.forget("wh_2")
    assert journal.secrets_by_webhook() == {}


def test_its_file_is_for_the_owner_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "home", API)
    journal.note(Change(url="https://a.example/", events=()))
    assert (tmp_path / "home" / "webhooks.json").stat().st_mode & 0o777 == 0o600


def test_one_command_at_a_time(tmp_path: Path) -> None:
    with Journal(tmp_path, API).held(), pytest.raises(JournalUnusable, match="another"):  # noqa: SIM117
        with Journal(tmp_path, API).held():
            pass
    with Journal(tmp_path, API).held():
        pass


def test_a_broken_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "webhooks.json").write_text("{")
    with pytest.raises(JournalUnusable, match="delete it"):
        Journal(tmp_path, API).change_of("https://a.example/")
