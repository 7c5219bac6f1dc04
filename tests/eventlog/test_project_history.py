"""What a change of settings changed, and where it stands among the others."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from eventlog.in_memory import InMemoryLog
from eventlog.project_history import difference, read_changes, record_change
from eventlog.rehearsal import open_session

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a", "a/b"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "a/b", "~1", "b"]), inner)
    ),
    max_leaves=6,
)
settings = st.dictionaries(st.sampled_from(["a", "a/b", "~1", "b"]), values)


def as_leaves(document: dict[str, Any]) -> dict[str, Any]:
    return {
        path: json.dumps(value, sort_keys=True) for path, value in difference({}, document)["added"].items()
    }


@given(settings, settings)
def test_a_difference_turns_one_into_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = difference(before, after)
    leaves = as_leaves(before)
    for path in found["removed"]:
        del leaves[path]
    added = found["added"] | {path: new for path, (_, new) in found["changed"].items()}
    leaves |= {path: json.dumps(value, sort_keys=True) for path, value in added.items()}
    assert leaves == as_leaves(after)


def test_what_did_not_change_is_not_told() -> None:
    nothing: dict[str, Any] = {"added": {}, "removed": {}, "changed": {}}
    assert difference({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 2}]}}) == nothing
    assert difference({"a": {}}, {"a": {"b": 1}}) == {
        "added": {"/a/b": 1},
        "removed": {"/a": {}},
        "changed": {},
    }


def test_a_change_is_recorded_once_and_a_late_one_between_the_others() -> None:
    log = InMemoryLog()
    with open_session(log) as session:
        for event_id, after, number in (("e0", 0, 0), ("e2", 2, 2), ("e1", 1, 1)):
            told = record_change(
                session,
                project_id="p1",
                event_id=event_id,
                changed_at=NOON + timedelta(seconds=after),
                settings={"n": number},
            )
            assert told is not None
        again = record_change(session, project_id="p1", event_id="e1", changed_at=NOON, settings={})
        assert again is None
        assert [change.difference["changed"] for change in read_changes(session, "p1")] == [
            {},
            {"/n": [0, 1]},
            {"/n": [1, 2]},
        ]
        assert read_changes(session, "p2") == []
    log.close()
