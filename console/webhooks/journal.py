"""What is on record of registered webhooks, and of a change that is under way; it holds no secret.

A change may be interrupted at any point: what is written before each step tells the next run where it is.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

_FILE: Final = "webhooks.json"
_LOCK: Final = "webhooks.lock"


class JournalUnusable(Exception):  # noqa: N818 - named for what happened
    """The journal can't be read, written or held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A webhook that is being registered, or replaced by one with a new secret."""

    url: str
    events: tuple[str, ...]
    old: tuple[str, ...] = ()
    """The ids of those that were there before, which go in the end."""
    secret: str | None = None
    """The new secret's fingerprint."""
    made: str | None = None
    """The new webhook's id."""
    has_gap: bool = False
    """Whether the old ones had to go before the new one came."""


class Journal:
    """The records of one API's webhooks."""

    def __init__(self, home: Path, api_url: str) -> None:
        self._home = home
        self._api_url = api_url

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other commands from changing webhooks meanwhile."""
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._home / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalUnusable(
                f"can't write to {self._home}: {error.strerror}; or set HOOKS_HOME"
            ) from error
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise JournalUnusable(
                    "another `hooks webhooks` is changing webhooks now; wait for it"
                ) from error
            yield
        finally:
            os.close(lock)

    def change_of(self, url: str) -> Change | None:
        """Give the change of this URL's webhook that is under way."""
        found = self._read()["changes"].get(url)
        if found is None:
            return None
        return Change(**found | {"old": tuple(found["old"]), "events": tuple(found["events"])})

    def note(self, change: Change) -> Change:
        """Record how far a change has come."""
        self._update(lambda kept: kept["changes"].update({change.url: asdict(change)}))
        return change

    def finish(self, change: Change) -> None:
        """Record that a change has ended, and whose secret it was."""

        def end(kept: dict[str, Any]) -> None:
            kept["changes"].pop(change.url, None)
            for webhook_id in change.old:
                kept["secrets"].pop(webhook_id, None)
            if change.made is not None and change.secret is not None:
                kept["secrets"][change.made] = change.secret

        self._update(end)

    def forget(self, webhook_id: str) -> None:
        """Forget a webhook that was deleted."""
        self._update(lambda kept: kept["secrets"].pop(webhook_id, None))

    def secrets_by_webhook(self) -> Mapping[str, str]:
        """Give the fingerprint of each webhook's secret, as far as they were registered from here."""
        return dict(self._read()["secrets"])

    def secrets_elsewhere(self, *, but: str) -> frozenset[str]:
        """Give the fingerprints of other URLs' new secrets, and of those of other APIs' webhooks."""
        changes = self._read()["changes"]
        found = {kept["secret"] for url, kept in changes.items() if url != but}
        for api_url, kept in self._read_all().items():
            if api_url != self._api_url:
                found |= {each["secret"] for each in kept.get("changes", {}).values()}
                found |= set(kept.get("secrets", {}).values())
        return frozenset(found - {None})

    def _read_all(self) -> dict[str, Any]:
        try:
            found = json.loads((self._home / _FILE).read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise JournalUnusable(
                f"{self._home / _FILE} can't be read: {error}; delete it to begin anew"
            ) from error
        return found if isinstance(found, dict) else {}

    def _read(self) -> dict[str, Any]:
        kept: dict[str, Any] = self._read_all().get(self._api_url, {})
        return {"changes": {}, "secrets": {}} | kept

    def _update(self, change: Any) -> None:  # noqa: ANN401 - a function whose result does not matter
        kept = self._read()
        change(kept)
        text = json.dumps(self._read_all() | {self._api_url: kept}, indent=1)
        temporary = self._home / f".{_FILE}"
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(descriptor)
        temporary.replace(self._home / _FILE)
