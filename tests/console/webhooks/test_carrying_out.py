"""A change that was interrupted is taken up again, with the events that are asked for now."""

from pathlib import Path

import pytest

from console.webhooks.account import Account
from console.webhooks.carrying_out import interrupted
from console.webhooks.journal import Change, Journal
from tests.console.webhooks.imitated import Imitated

URL = "https://hooks.example.com/webhooks/chaozcode"
API = "http://127.0.0.1/v2"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "home", API)


def test_it_is_taken_up_as_it_was_where_no_other_events_are_asked_for(journal: Journal) -> None:
    with Imitated().client() as client:
        account = Account(client=client, api_url=API)
        assert interrupted(account, journal, URL, None) is None
        begun = journal.note(Change(url=URL, events=("memory.stored", "agent.failed"), made="wh_1"))
        assert interrupted(account, journal, URL, None) == begun
        assert interrupted(account, journal, URL, ("agent.failed", "memory.stored")) == begun


def test_with_other_events_what_was_made_is_replaced_too(journal: Journal) -> None:
    api = Imitated()
    api.add("wh_old", URL, "old_secret")
    api.add("wh_made", URL, "new_secret")  # of which the journal never learnt
    journal.note(Change(url=URL, events=("memory.stored",), old=("wh_old",), secret="f1"))
    with api.client() as client:
        change = interrupted(Account(client=client, api_url=API), journal, URL, ("agent.failed",))
    assert change == Change(
        url=URL, events=("agent.failed",), old=("wh_old", "wh_made"), secret="f1", made=None
    )
    assert journal.change_of(URL) == change
