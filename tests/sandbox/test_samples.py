import json
import random
from datetime import UTC, datetime, timedelta, timezone

import pytest

from eventlog.event import KNOWN_TYPES, subject_of
from sandbox.samples import event_body, new_event_id, sample_data

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)


def test_memory_stored_is_as_documented() -> None:
    body = event_body(
        "memory.stored", event_id="evt_abc123", created_at=NOON, data=sample_data("memory.stored")
    )
    assert json.loads(body) == {
        "id": "evt_abc123",
        "type": "memory.stored",
        "createdAt": "2026-01-30T12:00:00Z",
        "data": {"memoryId": "project-update", "tags": ["project", "update"], "importance": "high"},
    }


@pytest.mark.parametrize("event_type", KNOWN_TYPES)
def test_every_documented_type_has_a_sample_that_names_its_subject(event_type: str) -> None:
    data = json.loads(sample_data(event_type))
    assert data
    assert bool(subject_of(event_type, data)) == (not event_type.startswith("usage."))


def test_undocumented_types_get_the_data_of_their_family_or_a_message() -> None:
    assert json.loads(sample_data("memory.archived"))["memoryId"]
    assert "message" in json.loads(sample_data("webhook.test"))


def test_the_data_goes_in_as_it_was_written() -> None:
    data = '{ "a":1e999, "a":' + "9" * 5000 + ', "b":"\\ud800é" }\n'
    body = event_body("x", event_id="evt_1", created_at=NOON, data=data)
    assert body.endswith(b',"data":' + data.encode() + b"}")
    assert json.loads(body, parse_int=str)["type"] == "x"


def test_any_id_and_type_make_json() -> None:
    for text in ('"', "\\", "\n", "é", "}", "\udcff"):
        found = json.loads(event_body(text, event_id=text, created_at=NOON, data="null"))
        assert (found["id"], found["type"], found["data"]) == (text, text, None)


def test_the_time_is_written_in_utc() -> None:
    there = datetime(2026, 1, 30, 14, tzinfo=timezone(timedelta(hours=2)))
    assert b'"createdAt":"2026-01-30T12:00:00Z"' in event_body("x", event_id="e", created_at=there, data="{}")


def test_ids_look_as_documented_and_differ() -> None:
    chance = random.Random(1)
    ids = {new_event_id(chance) for _ in range(1000)}
    assert len(ids) == 1000
    assert all(found.startswith("evt_") and found[4:].isalnum() for found in ids)
    assert new_event_id(random.Random(1)) in ids
