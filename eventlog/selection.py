"""Which events: the filters that listing, export and replay have in common."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, exists, select

from eventlog.last_run import LastRun
from eventlog.query_plans import is_at_rest, is_notable, is_unended_alone, is_unfinished, unindexed
from eventlog.states import HELD_BACK, State
from eventlog.tables import deliveries, events, failures

LAST_CHARACTER: Final = "\U0010ffff"


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
    fingerprint: str | None = None
    """Events on which an attempt failed so: of any handler, or of the one that is given."""
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
        found += self.times()
        if self.fingerprint is not None:
            found.append(_has_failed(self.fingerprint, self.handler))
        if self.handler is not None and (self.fingerprint is None or self.state is not None):
            found.append(_has_delivery(self.handler, self.state))
        elif self.state in HELD_BACK:
            found.append(_holds_back(self.state))
        elif self.state is not None:
            found += [_of_its_index(self.state), events.c.state == self.state]
        return found

    def times(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.since is not None:
            found.append(events.c.received_at >= self.since)
        if self.until is not None:
            found.append(events.c.received_at < self.until)
        return found

    def residual_conditions(self) -> list[ColumnElement[bool]]:
        """Give the conditions in a form that no index holds, for rows that are found in another way."""
        found: list[ColumnElement[bool]] = []
        if self.type is not None and self.type != "*":
            found.append(_looked_up_type(self.type))
        if self.fingerprint is not None:
            found.append(_has_failed(self.fingerprint, self.handler))
        if self.subject is not None:
            found.append(unindexed(events.c.subject) == self.subject)
        if self.since is not None:
            found.append(unindexed(events.c.received_at) >= self.since)
        if self.until is not None:
            found.append(unindexed(events.c.received_at) < self.until)
        if self.handler is not None and (self.fingerprint is None or self.state is not None):
            found.append(_has_delivery(self.handler, self.state))
        elif self.state in HELD_BACK:
            found.append(_holds_back(self.state))
        elif self.state is not None:
            found.append(unindexed(events.c.state) == self.state)
        return found

    def conditions_by_seq(self) -> list[ColumnElement[bool]]:
        """Give the conditions for a part of the log: without an index that lies in another order than seqs.

        PostgreSQL would take one over times, or over a family's types, and read all that it holds of them.
        """
        family = self.type if self.is_of_family else None
        unordered = Selection(type=family, since=self.since, until=self.until)
        ordered = replace(self, since=None, until=None, type=None if family else self.type)
        return [*ordered.conditions(), *unordered.residual_conditions()]

    @property
    def is_of_family(self) -> bool:
        """Whether it is of several types."""
        return self.type is not None and self.type.endswith("*")

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
    """Say that an event is of a type, or of a family such as `memory.*`."""
    if not wanted.endswith(".*"):
        return events.c.type == wanted
    family = wanted.removesuffix("*")
    # A range, not LIKE: both databases answer it from the index whatever their collation makes of LIKE.
    return events.c.type.between(family, family + LAST_CHARACTER) & events.c.type.startswith(
        family, autoescape=True
    )


def _of_its_index(state: State) -> ColumnElement[bool]:
    """Say what the indexes that hold events in this state hold."""
    if state in (State.QUEUED, State.RUNNING):
        return is_unfinished(events)
    return is_at_rest(events) if state is State.DONE else is_notable(events)


def _looked_up_type(wanted: str) -> ColumnElement[bool]:
    its_type = unindexed(events.c.type)
    if wanted.endswith(".*"):
        return its_type.startswith(wanted.removesuffix("*"), autoescape=True)
    return its_type == wanted


def _has_failed(fingerprint: str, handler: str | None) -> ColumnElement[bool]:
    found = exists().where(
        failures.c.event_seq == events.c.seq, unindexed(failures.c.fingerprint) == fingerprint
    )
    return found if handler is None else found.where(failures.c.handler == handler)


def _holds_back(state: State | None) -> ColumnElement[bool]:
    held_back = is_unended_alone(deliveries) & (deliveries.c.state == state)
    return events.c.seq.in_(select(deliveries.c.event_seq).where(held_back))


def _has_delivery(handler: str, state: State | None) -> ColumnElement[bool]:
    found = exists().where(deliveries.c.event_seq == events.c.seq, deliveries.c.handler == handler)
    return found if state is None else found.where(deliveries.c.state == state)
