"""`client.projects`: projects and their settings ("Project Endpoints")."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from clients.limits import check_id, check_object, check_text, given, require_some
from clients.reply import Reply, named

from .listing import Listing
from .undocumented import Acknowledged, read_loosely

if TYPE_CHECKING:
    from clients.exchange import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Project(Reply):
    """A project; the reply is not documented, so that any field may be None."""

    id: str | None = field(default=None, metadata=named("id", "projectId"))
    name: str | None = None
    description: str | None = None
    settings: Mapping[str, Any] | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Projects:
    """`client.projects`."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange

    def list(self) -> Listing[Project]:
        """List all projects of the key's user: `GET /projects`."""
        return Listing[Project].of(Project, self._exchange.call("GET", ("projects",)), "projects")

    def create(
        self, name: str, *, description: str | None = None, settings: Mapping[str, Any] | None = None
    ) -> Project:
        """Make a project: `POST /projects`."""
        check_text("name", name)
        check_text("description", description, required=False)
        check_object("settings", settings)
        body = given(name=name, description=description, settings=settings)
        return read_loosely(Project, self._exchange.call("POST", ("projects",), body=body), "project")

    def get(self, project_id: str) -> Project:
        """Give one project: `GET /projects/{projectId}`."""
        check_id("project_id", project_id)
        return read_loosely(Project, self._exchange.call("GET", ("projects", project_id)), "project")

    def update(
        self,
        project_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Project:
        """Change a project: `PATCH /projects/{projectId}`.

        What is not given is not sent; which fields it takes is not documented, and these are `create`'s.
        Whether `settings` replaces or joins those that it has is not documented either.
        """
        check_id("project_id", project_id)
        check_text("name", name, required=False)
        check_text("description", description, required=False)
        check_object("settings", settings)
        body = given(name=name, description=description, settings=settings)
        require_some(body, "name, description and settings")
        reply = self._exchange.call("PATCH", ("projects", project_id), body=body)
        return read_loosely(Project, reply, "project")

    def delete(self, project_id: str) -> Acknowledged:
        """Delete a project and all data of it: `DELETE /projects/{projectId}`."""
        check_id("project_id", project_id)
        reply = self._exchange.call("DELETE", ("projects", project_id))
        return read_loosely(Acknowledged, reply, "project")
