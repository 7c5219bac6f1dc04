from typing import Any

import pytest

from eventlog.event import KNOWN_TYPES
from tests.sandbox.imitation import Imitation, error_of

URL = "https://receiver.example/webhooks/chaozcode"


def create(api: Imitation, url: str = URL, **more: Any) -> dict[str, Any]:
    response = api.post("/webhooks", {"url": url, "events": ["memory.stored"]} | more)
    assert response.status_code == 201, response.text
    assert isinstance(response.json, dict)
    return response.json


def test_a_webhook_is_listed_without_its_secret(api: Imitation) -> None:
    made = create(api, secret="a-secret-of-mine")
    assert made["secret"] == "a-secret-of-mine"
    listed = api.get("/webhooks")
    assert "a-secret-of-mine" not in listed.text
    assert listed.json == {
        "webhooks": [
            {"id": made["id"], "url": URL, "events": ["memory.stored"], "createdAt": "2026-01-30T12:00:00Z"}
        ]
    }


def test_a_secret_is_made_where_none_is_given(api: Imitation) -> None:
    first, second = create(api), create(api)
    assert first["secret"].startswith("whsec_")
    assert len(first["secret"]) > 30
    assert first["secret"] != second["secret"]


def test_all_documented_events_can_be_subscribed_to(api: Imitation) -> None:
    made = create(api, events=[*KNOWN_TYPES, KNOWN_TYPES[0]])
    assert made["events"] == list(KNOWN_TYPES)


def test_unknown_events_are_named(api: Imitation) -> None:
    body = {"url": URL, "events": ["memory.stored", "memory.forgotten", "x"]}
    response = api.post("/webhooks", body)
    assert response.status_code == 422
    details = error_of(response)["details"]
    assert details["field"] == "events"
    assert details["unknown"] == ["memory.forgotten", "x"]
    assert details["allowed"] == list(KNOWN_TYPES)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/x", "http://localhost/", "http://[::1]:80/"])
def test_plain_http_is_taken_to_this_machine(api: Imitation, url: str) -> None:
    assert create(api, url)["url"] == url


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example/",
        "http://127.0.0.1.example/",
        "ftp://receiver.example/",
        "receiver.example",
        "HTTPS//receiver.example",
        "",
        "https://",
        "https:///path",
        "https://[",
        "https://a:port/",
        "https://a:99999/",
    ],
)
def test_other_urls_are_refused(api: Imitation, url: str) -> None:
    response = api.post("/webhooks", {"url": url, "events": ["memory.stored"]})
    assert response.status_code == 422
    assert error_of(response)["details"]["field"] == "url"


def test_a_test_event_is_sent_to_the_webhook(api: Imitation) -> None:
    made = create(api)
    create(api)
    response = api.post(f"/webhooks/{made['id']}/test")
    assert response.status_code == 200
    assert isinstance(response.json, dict)
    assert response.json["eventId"].startswith("evt_")
    [(_, data)] = api.emitted()
    assert data["webhookId"] == made["id"]


def test_a_deleted_webhook_is_gone(api: Imitation) -> None:
    path = f"/webhooks/{create(api)['id']}"
    assert api.call("DELETE", path).status_code == 200
    assert error_of(api.call("DELETE", path))["code"] == "NOT_FOUND"
    assert error_of(api.post(f"{path}/test"))["code"] == "NOT_FOUND"
    api.post("/memory/store", {"id": "m", "content": "c"})
    assert api.emitted() == []


def test_a_second_webhook_for_a_url_is_refused_where_that_is_set() -> None:
    api = Imitation(one_webhook_per_url=True)
    made = create(api)
    body = {"url": URL, "events": ["memory.stored"]}
    assert error_of(api.post("/webhooks", body))["code"] == "CONFLICT"
    create(api, f"{URL}/other")
    api.call("DELETE", f"/webhooks/{made['id']}")
    create(api)
