"""What a handler's last run on an event must have been for a replay to repeat it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, func, literal_column, or_

from eventlog.states import State
from eventlog.tables import deliveries

PREFIX_DIGITS: Final = 6
"""So many of a hash's first digits stand for it."""

DEAD: Final[ColumnElement[str]] = literal_column(f"'{State.DEAD}'")
"""Written out, not bound: the partial index over the dead serves only conditions seen to imply its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """The code that would run now."""

    versions: Mapping[str, str]
    """Each handler's name with its version."""
    release: str | None = None
    """`HOOKS_RELEASE`, where it is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """Conditions on a handler's last run on an event, all of which must hold."""

    version: str | None = None
    """By this version of its code: a hash, six or more of its first digits, or a release."""
    fingerprint: str | None = None
    """Dead, with a last failure of this fingerprint."""
    fixed_in: Present | None = None
    """Dead, under another version than this one, or in another release."""
    dead: bool = False

    @property
    def must_be_dead(self) -> bool:
        return self.dead or self.fingerprint is not None or self.fixed_in is not None

    def and_dead(self, *, dead: bool) -> "LastRun":
        return replace(self, dead=self.dead or dead)

    def conditions(self, handler: str) -> list[ColumnElement[bool]]:
        """Give those that a row of `deliveries` of this handler shows by itself."""
        found: list[ColumnElement[bool]] = []
        if self.must_be_dead:
            found.append(deliveries.c.state == DEAD)
        if self.version is not None:
            found.append(_is_version(self.version))
        if self.fixed_in is not None:
            found.append(_is_other(self.fixed_in, handler))
        return found

    def to_json(self) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if self.version is not None:
            given["version"] = self.version
        if self.fingerprint is not None:
            given["fingerprint"] = self.fingerprint
        if self.fixed_in is not None:
            given["fixed_in"] = {
                "versions": dict(self.fixed_in.versions),
                "release": self.fixed_in.release,
            }
        if self.dead:
            given["dead"] = True
        return given

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "LastRun":
        fixed_in = stored.get("fixed_in")
        return cls(
            version=stored.get("version"),
            fingerprint=stored.get("fingerprint"),
            fixed_in=None if fixed_in is None else Present(**fixed_in),
            dead=stored.get("dead", False),
        )


def _is_version(version: str) -> ColumnElement[bool]:
    named = or_(deliveries.c.version == version, deliveries.c.release == version)
    if len(version) < PREFIX_DIGITS:
        return named
    return or_(named, func.substr(deliveries.c.version, 1, len(version)) == version.lower())


def _is_other(present: Present, handler: str) -> ColumnElement[bool]:
    # What ran before versions were recorded ran under another one.
    version = func.coalesce(deliveries.c.version, "") != present.versions.get(handler, "")
    if present.release is None:
        return version
    return or_(version, func.coalesce(deliveries.c.release, "") != present.release)
