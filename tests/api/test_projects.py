"""`client.projects`, against the sandbox and the description."""

import pytest

from clients.chaozcode.client import ChaozCode
from clients.chaozcode.errors import NotFound
from clients.chaozcode.projects import Project
from tests.api.documents import parameters_of
from tests.api.wire import HeldWire


@pytest.fixture
def project(chaozcode: ChaozCode) -> Project:
    return chaozcode.projects.create(
        "Website", description="The public one", settings={"visibility": "private"}
    )


def id_of(project: Project) -> str:
    assert project.id is not None
    return project.id


def test_a_project_is_created(project: Project, wire: HeldWire) -> None:
    assert (project.name, project.description, project.settings) == (
        "Website",
        "The public one",
        {"visibility": "private"},
    )
    assert wire.parameters_sent("POST /projects") == parameters_of("POST /projects")


def test_projects_are_listed(chaozcode: ChaozCode, project: Project) -> None:
    assert project.id in [listed.id for listed in chaozcode.projects.list()]


def test_a_project_is_got(chaozcode: ChaozCode, project: Project) -> None:
    assert chaozcode.projects.get(id_of(project)).name == "Website"
    with pytest.raises(NotFound):
        chaozcode.projects.get("project_unknown")


def test_a_project_is_updated(chaozcode: ChaozCode, project: Project) -> None:
    chaozcode.projects.update(
        id_of(project), name="Site", description="Ours", settings={"visibility": "public"}
    )
    updated = chaozcode.projects.get(id_of(project))
    assert (updated.name, updated.description, updated.settings) == (
        "Site",
        "Ours",
        {"visibility": "public"},
    )
    with pytest.raises(NotFound):
        chaozcode.projects.update("project_unknown", name="None")


def test_a_project_is_deleted(chaozcode: ChaozCode, project: Project) -> None:
    chaozcode.projects.delete(id_of(project))
    with pytest.raises(NotFound):
        chaozcode.projects.get(id_of(project))
