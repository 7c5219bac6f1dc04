from typing import Any

from tests.sandbox.imitation import DEVELOPMENT, Imitation, error_of


def test_the_profile_has_the_documented_fields() -> None:
    api = Imitation(plan="pro")
    assert api.get("/user/me").json == {
        "id": "user_sandbox",
        "email": "developer@example.com",
        "name": "Jane Developer",
        "plan": "pro",
        "usage": {"apiCalls": 1, "limit": 10000, "resetAt": "2026-02-01T00:00:00Z"},
        "createdAt": "2026-01-30T12:00:00Z",
    }


def test_the_profile_is_updated_in_part(api: Imitation) -> None:
    reply = api.call("PATCH", "/user/me", {"name": "Joe"}).json
    assert isinstance(reply, dict)
    assert (reply["name"], reply["email"]) == ("Joe", "developer@example.com")
    assert api.get("/user/me").json["name"] == "Joe"  # type: ignore[index]


def test_the_usage_is_counted_by_endpoint(api: Imitation) -> None:
    api.get("/memory/a")
    api.get("/memory/b")
    assert api.get("/user/usage").json == {
        "apiCalls": 3,
        "limit": 100000,
        "resetAt": "2026-02-01T00:00:00Z",
        "periodStart": "2026-01-01T00:00:00Z",
        "byEndpoint": {"GET /memory/{id}": 2, "GET /user/usage": 1},
    }


def created(api: Imitation, **fields: Any) -> dict[str, Any]:
    response = api.post("/user/api-keys", fields)
    assert response.status_code == 201
    assert isinstance(response.json, dict)
    return response.json


def test_a_new_key_works_at_once_and_a_revoked_one_no_longer(api: Imitation) -> None:
    made = created(api, name="CI", type="production")
    assert made["key"].startswith("cc_live_")
    assert api.get("/models", key=made["key"]).status_code == 200
    assert api.call("DELETE", f"/user/api-keys/{made['id']}", key=made["key"]).status_code == 200
    assert error_of(api.get("/models", key=made["key"]))["code"] == "UNAUTHORIZED"
    assert error_of(api.call("DELETE", f"/user/api-keys/{made['id']}"))["code"] == "NOT_FOUND"


def test_a_key_is_shown_once_and_listed_masked(api: Imitation) -> None:
    made = created(api, name="CI")
    response = api.get("/user/api-keys")
    assert made["key"] not in response.text
    assert DEVELOPMENT not in response.text
    assert isinstance(response.json, dict)
    listed = {key["id"]: key for key in response.json["apiKeys"]}
    assert listed[made["id"]] == made | {"key": f"cc_dev_…{made['key'][-4:]}"}
    assert {key["type"] for key in listed.values()} == {
        "development",
        "production",
        "readonly",
        "restricted",
    }


def test_a_key_needs_no_body(api: Imitation) -> None:
    assert api.post("/user/api-keys", raw=b"").status_code == 201
    assert created(api)["type"] == "development"
