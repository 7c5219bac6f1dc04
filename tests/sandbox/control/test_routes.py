from typing import Any

import pytest

from tests.sandbox.whole import Whole


def store(whole: Whole, memory_id: str = "m1") -> Any:
    return whole.client.post(
        "/v2/memory/store",
        json={"id": memory_id, "content": "x"},
        headers={"Authorization": "Bearer cc_dev_sandbox"},
    ).status_code


def test_it_tells_where_the_apis_are_and_their_keys(whole: Whole) -> None:
    told = whole.control("", http="GET").json
    assert told["chaozcode"]["url"].endswith("/v2")
    assert set(told["chaozcode"]["keys"]) == {
        "cc_dev_sandbox",
        "cc_live_sandbox",
        "cc_readonly_sandbox",
        "cc_restricted_sandbox",
    }
    assert whole.usage(told["chucky"]["token"])["user_id"] == "demo-user"


def test_faults_are_set_listed_and_removed(whole: Whole) -> None:
    first = whole.control("/faults", fault=500, path="/v2/*", method="GET", count=None, probability=0.5)
    assert first.status_code == 201
    assert first.json == {
        "id": first.json["id"],
        "fault": "500",
        "path": "/v2/*",
        "method": "GET",
        "count": None,
        "probability": 0.5,
        "seconds": 1.0,
        "after": None,
    }
    second = whole.control("/faults", fault="duplicate", event="memory.*")
    listed = whole.control("/faults", http="GET").json["faults"]
    assert listed == [first.json, second.json]
    assert whole.control(f"/faults/{first.json['id']}", http="DELETE").status_code == 204
    assert whole.control(f"/faults/{first.json['id']}", http="DELETE").status_code == 404
    assert whole.control("/faults", http="DELETE").status_code == 204
    assert whole.control("/faults", http="GET").json == {"faults": []}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "delay, 429, 500, 503, cut, duplicate, reorder, bad_signature"),
        ({"fault": "418"}, "must be one of"),
        ({"fault": "500", "paths": "/v2/*"}, "unknown field 'paths'"),
        ({"fault": "500", "event": "memory.*"}, "goes by path"),
        ({"fault": "duplicate", "path": "/v2/*"}, "goes by event"),
        ({"fault": "500", "count": 0}, "count must be a whole number, 1 or more"),
        ({"fault": "500", "count": 1.5}, "count"),
        ({"fault": "500", "probability": 2}, "probability must be a number from 0 to 1"),
        ({"fault": "delay", "seconds": "5"}, "seconds must be a number"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_what_does(
    whole: Whole, fields: dict[str, Any], words: str
) -> None:
    refused = whole.control("/faults", **fields)
    assert refused.status_code == 400
    assert words in refused.json["error"]
    assert whole.control("/faults", http="GET").json == {"faults": []}


@pytest.mark.parametrize("path", ["/faults", "/chucky/replies", "/chucky/budget", "/chucky/tokens"])
@pytest.mark.parametrize("body", [b"{", b"3", b'[{"nope": 1}]', b'{"nope": 1}'])
def test_what_is_no_object_of_known_fields_is_refused(whole: Whole, path: str, body: bytes) -> None:
    assert whole.client.post(f"/_sandbox{path}", data=body).status_code == 400


def test_deliveries_are_listed_and_forgotten(whole: Whole) -> None:
    assert store(whole) == 201
    (waiting,) = whole.control("/deliveries", http="GET").json["deliveries"]
    assert (waiting["type"], waiting["state"]) == ("memory.stored", "waiting")
    whole.sandbox.outbox.deliver_due()
    (delivered,) = whole.control("/deliveries", http="GET").json["deliveries"]
    assert (delivered["state"], delivered["attempts"][0]["status"]) == ("delivered", 202)
    whole.control("/deliveries", http="DELETE")
    assert whole.control("/deliveries", http="GET").json == {"deliveries": []}


def test_replies_are_scripted_listed_and_forgotten(whole: Whole) -> None:
    both = whole.client.post("/_sandbox/chucky/replies", json=[{"text": "a"}, {"pieces": ["b", "c"]}])
    assert both.status_code == 201
    assert [reply["text"] for reply in both.json["replies"]] == ["a", "bc"]
    whole.control("/chucky/replies", http="DELETE")
    assert whole.control("/chucky/replies", http="GET").json == {"replies": []}
    refused = whole.control("/chucky/replies", match="x")
    assert (refused.status_code, "text" in refused.json["error"]) == (400, True)


def test_a_budget_is_set_field_by_field(whole: Whole) -> None:
    assert whole.control("/chucky/budget", ai=5).json["compute"] == 360000
    assert whole.control("/chucky/budget", compute=6, window="month").json == {
        "window": "month",
        "ai": 5,
        "compute": 6,
        "max": 5,
        "planSeconds": 500000,
        "poolSeconds": 0,
    }
    assert whole.control("/chucky/budget", http="GET").json["ai"] == 5
    assert "hour, day, week, month, lifetime" in whole.control("/chucky/budget", window="year").json["error"]
    assert whole.control("/chucky/budget", ai=-1).status_code == 400
    assert whole.control("/chucky/budget", ai=None).status_code == 400


def test_a_reset_forgets_all_but_the_webhook_that_was_known_from_the_start(whole: Whole) -> None:
    store(whole)
    whole.control("/faults", fault="500", path="/prompt", count=None)
    whole.control("/chucky/budget", ai=0)
    whole.control("/chucky/replies", text="x")
    assert whole.control("/reset").status_code == 204
    assert whole.get("/v2/memory/m1").status_code == 404
    assert whole.control("/deliveries", http="GET").json == {"deliveries": []}
    assert whole.prompt("Hi").json["result"]["text"] == "You said: Hi"
    store(whole)
    assert whole.sandbox.outbox.deliver_due() == 1
