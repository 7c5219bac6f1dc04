"""The history of a project's settings."""

from datetime import UTC, datetime, timedelta
from typing import Any

from eventlog.project_history import ProjectChange, read_changes
from handlers import Event
from handlers.builtin.keep_project_history import keep_project_history, router
from handlers.outcome import Skipped
from handlers.testing import make_event, run
from hooks_testkit import FakeChaozCode
from hooks_testkit.path import EventPath
from hooks_testkit.storm import Storm

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)


def updated(after: float = 0, **data: Any) -> Event:
    created_at = NOON + timedelta(seconds=after)
    return make_event("project.updated", projectId="p1", created_at=created_at, **data)


def changes(path: EventPath) -> list[ProjectChange]:
    with path.session() as session:
        return read_changes(session, "p1")


def test_each_change_is_kept_with_what_it_changed() -> None:
    path = EventPath(router)
    path.deliver(updated(settings={"language": "de", "build": {"timeout": 5, "a/b": 1}}))
    path.deliver(updated(1, settings={"language": "de", "build": {"timeout": 9}, "tags": ["x"]}))
    assert [change.difference for change in changes(path)] == [
        {"added": {"/language": "de", "/build/timeout": 5, "/build/a~1b": 1}, "removed": {}, "changed": {}},
        {"added": {"/tags": ["x"]}, "removed": {"/build/a~1b": 1}, "changed": {"/build/timeout": [5, 9]}},
    ]


def test_a_late_change_takes_its_place() -> None:
    path = EventPath(router)
    for after in (0, 2, 1):
        path.deliver(updated(after, settings={"n": after}))
    assert [change.difference["changed"] for change in changes(path)] == [
        {},
        {"/n": [0, 1]},
        {"/n": [1, 2]},
    ]


def test_both_databases_keep_it(database_url: str) -> None:
    for after, settings in enumerate(({"on": True, "odd": "\0\u2665"}, {"on": 1, "odd": "\0\u2665"})):
        result = run(keep_project_history, updated(after, settings=settings), database=database_url)
        assert result.error is None
    with result.session() as session:
        first, second = read_changes(session, "p1")
    assert (first.changed_at, first.settings["odd"]) == (NOON, "\0\u2665")
    assert second.difference == {"added": {}, "removed": {}, "changed": {"/on": [True, 1]}}


def test_an_event_without_settings_has_the_project_asked_for(chaozcode: FakeChaozCode) -> None:
    project = chaozcode.client.projects.create("one", settings={"language": "de"})
    event = make_event("project.updated", projectId=project.id)
    result = run(keep_project_history, event, chaozcode=chaozcode)
    with result.session() as session:
        (change,) = read_changes(session, str(project.id))
    assert change.settings == {"language": "de"}


def test_copies_kills_and_replays_keep_one_row() -> None:
    for survived in Storm(router).kill_at_each_record(updated(settings={"n": 1})):
        survived.path.replay(survived.id)
        assert len(changes(survived.path)) == 1


def test_what_tells_nothing_is_skipped(chaozcode: FakeChaozCode) -> None:
    assert run(keep_project_history, make_event("project.updated")).outcome == Skipped(
        "the event names no project"
    )
    chaozcode.answers("/projects/p1", {"id": "p1"})
    assert run(keep_project_history, updated(), chaozcode=chaozcode).outcome == Skipped(
        "the project has no settings"
    )


def test_a_project_that_was_deleted_meanwhile_is_skipped(chaozcode: FakeChaozCode) -> None:
    outcome = run(keep_project_history, updated(), chaozcode=chaozcode).outcome
    assert outcome == Skipped("the project is not there any more")
