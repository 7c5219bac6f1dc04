"""The settings that projects had, one after the other, each with what it changed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Row, and_, insert, select, update

from eventlog.tables import project_changes

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_C = project_changes.c


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectChange:
    """One change of a project's settings."""

    project_id: str
    event_id: str
    changed_at: datetime
    settings: Mapping[str, Any]
    """After the change."""
    difference: Mapping[str, Any]
    """From the change before: see `difference`."""


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Tell what changed: what was `added`, `removed` and `changed`, by the paths of nested keys.

    A changed value is given as [before, after]. Values that are no objects are compared whole.
    """
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return {
        "added": {path: new[path] for path in new if path not in old},
        "removed": {path: old[path] for path in old if path not in new},
        "changed": {
            path: [old[path], new[path]] for path in new if path in old and not _same(old[path], new[path])
        },
    }


def record_change(
    session: "Session", *, project_id: str, event_id: str, changed_at: datetime, settings: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Record a project's settings after an event, and give what changed; None where the event is recorded.

    A change that arrives late takes its place between the others.
    """
    if session.execute(select(_C.id).where(_C.event_id == event_id)).first() is not None:
        return None
    of_project = _C.project_id == project_id
    before = _first(session, and_(of_project, _C.changed_at <= changed_at), newest=True)
    after = _first(session, and_(of_project, _C.changed_at > changed_at), newest=False)
    changed = difference(before.settings if before is not None else {}, settings)
    session.execute(
        insert(project_changes).values(
            project_id=project_id,
            event_id=event_id,
            changed_at=changed_at,
            settings=dict(settings),
            difference=changed,
        )
    )
    if after is not None:
        session.execute(
            update(project_changes)
            .where(_C.id == after.id)
            .values(difference=difference(settings, after.settings))
        )
    return changed


def read_changes(session: "Session", project_id: str) -> list[ProjectChange]:
    """Give a project's changes, the oldest first."""
    columns = (_C.project_id, _C.event_id, _C.changed_at, _C.settings, _C.difference)
    query = select(*columns).where(_C.project_id == project_id).order_by(_C.changed_at, _C.id)
    return [ProjectChange(**row._mapping) for row in session.execute(query)]  # noqa: SLF001 - SQLAlchemy's


def _first(session: "Session", where: ColumnElement[bool], *, newest: bool) -> Row[Any, Any] | None:
    order = (_C.changed_at.desc(), _C.id.desc()) if newest else (_C.changed_at, _C.id)
    query = select(_C.id, _C.settings).where(where).order_by(*order).limit(1).with_for_update()
    return session.execute(query).one_or_none()


def _leaves(settings: Mapping[str, Any], path: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in settings.items():
        # As in JSON Pointer (RFC 6901), so that no two paths look alike.
        here = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        found += _leaves(value, here) if isinstance(value, Mapping) and value else [(here, value)]
    return found


def _same(one: object, other: object) -> bool:
    # As JSON writes it: Python takes 1 and True for one value.
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
