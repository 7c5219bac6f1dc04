"""Project Endpoints: a changed project sends project.updated."""

from typing import Any

from flask import Blueprint
from msgspec import UNSET, UnsetType, field

from sandbox.chaozcode.door import Outbox
from sandbox.chaozcode.parameters import Changes, Parameters
from sandbox.chaozcode.request_body import read_body
from sandbox.state.ground import timestamp
from sandbox.state.projects import Project
from sandbox.world import World


class Create(Parameters, frozen=True):
    """Parameters of POST /projects."""

    name: str
    description: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


class Update(Changes, frozen=True):
    """What PATCH /projects/{projectId} may change; not documented, so what can be created."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET


def endpoints(world: World, outbox: Outbox) -> Blueprint:
    """Give the group's routes."""
    group = Blueprint("projects", __name__)

    @group.get("/projects")
    def list_all() -> dict[str, Any]:
        return {"projects": [_described(project) for project in world.projects.all()]}

    @group.post("/projects")
    def create() -> tuple[dict[str, Any], int]:
        given = read_body(Create)
        project = world.projects.create(
            name=given.name, description=given.description, settings=given.settings
        )
        return _described(project), 201

    @group.get("/projects/<project_id>")
    def get(project_id: str) -> dict[str, Any]:
        return _described(world.projects.get(project_id))

    @group.patch("/projects/<project_id>")
    def update(project_id: str) -> dict[str, Any]:
        changes = read_body(Update).given()
        project = world.projects.update(project_id, changes)
        outbox.emit(
            "project.updated",
            {
                "projectId": project.id,
                "name": project.name,
                "settings": dict(project.settings),
                "changed": sorted(changes),
            },
        )
        return _described(project)

    @group.delete("/projects/<project_id>")
    def delete(project_id: str) -> dict[str, Any]:
        return {"ok": True, "id": world.projects.delete(project_id).id}

    return group


def _described(project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "settings": dict(project.settings),
        "createdAt": timestamp(project.created_at),
        "updatedAt": timestamp(project.updated_at),
    }
