from typing import Any

import pytest

from clients.errors import InvalidCall
from tests.clients.chaozcode.one_reply import OneReply

PROJECT = {"id": "proj_1", "name": "Shop", "description": "Sells", "settings": {"theme": "dark"}}


@pytest.mark.parametrize("reply", [[PROJECT], {"projects": [PROJECT], "total": 1}, {"items": [PROJECT]}])
def test_projects_are_listed(api: OneReply, reply: Any) -> None:
    api.json = reply

    (project,) = api.client.projects.list()

    assert api.asked == ("GET", "/v2/projects")
    assert (project.id, project.name, project.settings) == ("proj_1", "Shop", {"theme": "dark"})


def test_a_project_is_made(api: OneReply) -> None:
    api.status = 201
    api.json = {"projectId": "proj_1"}

    project = api.client.projects.create("Shop", description="Sells", settings={"theme": "dark"})

    assert api.asked == ("POST", "/v2/projects")
    assert api.body == {"name": "Shop", "description": "Sells", "settings": {"theme": "dark"}}
    assert project.id == "proj_1"


def test_a_project_is_read(api: OneReply) -> None:
    api.json = {"project": PROJECT}

    project = api.client.projects.get("proj/1")

    assert api.asked == ("GET", "/v2/projects/proj%2F1")
    assert (project.name, project.description) == ("Shop", "Sells")
    assert project.raw == {"project": PROJECT}


def test_a_project_is_changed(api: OneReply) -> None:
    api.json = PROJECT

    project = api.client.projects.update("proj_1", description="", settings={})

    assert api.asked == ("PATCH", "/v2/projects/proj_1")
    assert api.body == {"description": "", "settings": {}}
    assert project.settings == {"theme": "dark"}


def test_a_project_is_deleted(api: OneReply) -> None:
    api.status = 204
    api.content = b""

    assert api.client.projects.delete("proj_1").raw == {}
    assert api.asked == ("DELETE", "/v2/projects/proj_1")


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("create", {"name": ""}, "name must not be empty"),
        ("create", {"name": "x", "settings": "dark"}, "settings must be an object"),
        ("get", {"project_id": ".."}, "project_id must not be '..'"),
        ("update", {"project_id": "p"}, "give at least one of name, description and settings"),
        ("update", {"project_id": "p", "description": 1}, "description must be a text"),
        ("delete", {"project_id": ""}, "project_id must not be empty"),
    ],
)
def test_what_breaks_a_limit_is_not_sent(
    api: OneReply, method: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidCall) as raised:
        getattr(api.client.projects, method)(**options)

    assert message in str(raised.value)
    assert not api.requests
