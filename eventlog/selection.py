"""Which events: the filters that listing, export and replay have in common."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, select

from eventlog.last_run import LastRun
from eventlog.query_plans import is_unended_alone
from eventlog.states import HELD_BACK, State
from eventlog.tables import deliveries, events


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Events to which all of the given conditions apply; with none, every event."""

    ids: tuple[str, ...] = ()
    type: str | None = None
    """An exact type, or a family such as `memory.*`."""
    state: State | None = None
    """The event's state; together with `handler`, that of the handler's delivery. What is held back are
    deliveries only: then the events that have one such."""
    subject: str | None = None
    since: datetime | None = None
    """Received at this time or later."""
    until: datetime | None = None
    """Received before this time."""
    handler: str | None = None
    """Events of which this handler has a delivery, in the original run or in a replay."""
    last_run: LastRun | None = None
    """Of replays only: those handlers alone whose last run on an event was such."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Give the conditions on events; those on a handler's last run are not among them."""
        found: list[ColumnElement[bool]] = []
        if self.ids:
            found.append(events.c.id.in_(self.ids))
        if self.type is not None and self.type != "*":
            found.append(_of_type(self.type))
        if self.subject is not None:
            found.append(events.c.subject == self.subject)
        if self.since is not None:
            found.append(events.c.received_at >= self.since)
        if self.until is not None:
            found.append(events.c.received_at < self.until)
        if self.handler is not None:
            found.append(_has_delivery(self.handler, self.state))
        elif self.state in HELD_BACK:
            held_back = is_unended_alone(deliveries) & (deliveries.c.state == self.state)
            found.append(events.c.seq.in_(select(deliveries.c.event_seq).where(held_back)))
        elif self.state is not None:
            found.append(events.c.state == self.state)
        return found

    def to_json(self) -> dict[str, Any]:
        """Give the conditions that are set, as JSON values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _as_json(value) for name, value in values.items() if value not in (None, ())}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Selection":
        given = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
        for name in ("since", "until"):
            if name in given:
                given[name] = datetime.fromisoformat(given[name])
        if "state" in given:
            given["state"] = State(given["state"])
        if "last_run" in given:
            given["last_run"] = LastRun.from_json(given["last_run"])
        return cls(**given | {"ids": tuple(given.get("ids", ()))})


def _as_json(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat()
        case LastRun():
            return value.to_json()
        case _:
            return value


def _of_type(wanted: str) -> ColumnElement[bool]:
    if not wanted.endswith(".*"):
        return events.c.type == wanted
    family = wanted.removesuffix("*")
    # A range, not LIKE: both databases answer it from the index whatever their collation makes of LIKE.
    return events.c.type.between(family, family + "\U0010ffff") & events.c.type.startswith(
        family, autoescape=True
    )


def _has_delivery(handler: str, state: State | None) -> ColumnElement[bool]:
    found = exists().where(deliveries.c.event_seq == events.c.seq, deliveries.c.handler == handler)
    return found if state is None else found.where(deliveries.c.state == state)
