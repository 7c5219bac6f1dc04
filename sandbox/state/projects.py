"""Projects and their settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sandbox.state.conflict import NoSuchThing
from sandbox.state.ground import Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project, as it is now."""

    id: str
    name: str
    description: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime
    updated_at: datetime


class Projects:
    """All projects, by their id."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._projects: dict[str, Project] = {}

    def create(self, *, name: str, description: str, settings: Mapping[str, Any]) -> Project:
        with self._ground.lock:
            now = self._ground.now()
            project = Project(
                id=self._ground.new_id("project"),
                name=name,
                description=description,
                settings=settings,
                created_at=now,
                updated_at=now,
            )
            self._projects[project.id] = project
            return project

    def get(self, project_id: str) -> Project:
        with self._ground.lock:
            project = self._projects.get(project_id)
        if project is None:
            raise NoSuchThing("project", project_id)
        return project

    def update(self, project_id: str, changes: Mapping[str, Any]) -> Project:
        """Change the fields that are given; of the settings those that are named, where null removes one."""
        with self._ground.lock:
            project = self.get(project_id)
            fields = {**changes, "updated_at": self._ground.now()}
            if "settings" in changes:
                merged = {**project.settings, **changes["settings"]}
                fields["settings"] = {name: value for name, value in merged.items() if value is not None}
            self._projects[project_id] = updated = replace(project, **fields)
            return updated

    def delete(self, project_id: str) -> Project:
        with self._ground.lock:
            project = self.get(project_id)
            del self._projects[project_id]
            return project

    def all(self) -> tuple[Project, ...]:
        with self._ground.lock:
            return tuple(self._projects.values())
