from typing import Any

from tests.sandbox.imitation import Imitation, error_of


def create(api: Imitation, **fields: Any) -> dict[str, Any]:
    response = api.post("/projects", {"name": "Website"} | fields)
    assert response.status_code == 201
    assert isinstance(response.json, dict)
    return response.json


def test_a_project_is_created_listed_and_got(api: Imitation) -> None:
    made = create(api, description="Ours", settings={"visibility": "private"})
    assert made["id"].startswith("project_")
    assert (made["name"], made["description"]) == ("Website", "Ours")
    assert api.get("/projects").json == {"projects": [made]}
    assert api.get(f"/projects/{made['id']}").json == made


def test_a_change_is_merged_and_sent(api: Imitation) -> None:
    made = create(api, settings={"visibility": "private", "branch": "main"})
    api.subscribe("project.updated")
    api.clock.pass_by(5)
    body = {"settings": {"visibility": "public", "branch": None}, "description": "New"}
    response = api.call("PATCH", f"/projects/{made['id']}", body)
    assert response.status_code == 200
    assert response.json == made | {
        "settings": {"visibility": "public"},
        "description": "New",
        "updatedAt": "2026-01-30T12:00:05Z",
    }
    assert api.emitted() == [
        (
            "project.updated",
            {
                "projectId": made["id"],
                "name": "Website",
                "settings": {"visibility": "public"},
                "changed": ["description", "settings"],
            },
        )
    ]


def test_a_deleted_project_is_gone(api: Imitation) -> None:
    path = f"/projects/{create(api)['id']}"
    assert api.call("DELETE", path).status_code == 200
    for method in ("GET", "PATCH", "DELETE"):
        assert error_of(api.call(method, path, {}))["code"] == "NOT_FOUND"
    assert api.get("/projects").json == {"projects": []}
