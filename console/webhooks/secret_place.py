"""Where the webhook's secrets are kept for the receiver: in `.env`, or where only a person can put them."""

import hashlib
import secrets
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from console.webhooks.env_file import read_variable, set_variable
from receiver.secret_settings import SECRET_VARIABLE

_ENV_FILE: Final = Path(".env")
_FINGERPRINT_DIGITS: Final = 16

Say = Callable[[str], None]


def new_secret() -> str:
    """Make a secret of 256 random bits, in the form of ChaozCode's own."""
    return f"whsec_{secrets.token_urlsafe(32)}"


def fingerprint(secret: str) -> str:
    """Give what a secret is known by on record; it tells nothing of the secret."""
    return hashlib.sha256(secret.encode()).hexdigest()[:_FINGERPRINT_DIGITS]


class SecretPlace(Protocol):
    """Holds the secrets that the receiver accepts."""

    @property
    def is_ours(self) -> bool:
        """Whether we can change them there; else a person has to, and is told."""

    def read(self) -> tuple[str, ...] | None:
        """Give the secrets, the newest first; None where they can't be seen from here."""

    def write(self, secrets_: Sequence[str]) -> None:
        """Have the receiver accept exactly these."""


class EnvFilePlace:
    """The `.env` file of the folder in which both the receiver and this command run."""

    is_ours = True

    def __init__(self, made_by_up: str | None, *, path: Path = _ENV_FILE) -> None:
        """`made_by_up` is what the receiver accepts while the file sets nothing."""
        self._made_by_up = made_by_up
        self._path = path

    def read(self) -> tuple[str, ...]:
        return tuple((read_variable(self._path, SECRET_VARIABLE) or self._made_by_up or "").split())

    def write(self, secrets_: Sequence[str]) -> None:
        set_variable(self._path, SECRET_VARIABLE, " ".join(secrets_))


class PrintedPlace:
    """Another host, or an environment that was set from outside: a person puts the secrets there."""

    is_ours = False

    def __init__(self, known: Sequence[str] | None, *, out: Say, say: Say) -> None:
        """`known` are the secrets that are accepted there, None where that is not known here."""
        self._known = known
        self._out = out
        self._say = say

    def read(self) -> tuple[str, ...] | None:
        return None if self._known is None else tuple(self._known)

    def write(self, secrets_: Sequence[str]) -> None:
        """Print what is to be set; the only time that the new secret is shown."""
        if self._known is not None and set(secrets_) <= set(self._known):
            kept = len(secrets_)
            self._say(
                f"now take the old secret out of {SECRET_VARIABLE}: keep the first"
                + (f" {kept}" if kept > 1 else "")
            )
            return
        before = (
            "" if self._known is not None else ", before the old one if there is one, with a space between"
        )
        self._say(f"set this where the receiver runs{before} (it is shown only once):")
        self._out(f"{SECRET_VARIABLE}={shlex.quote(' '.join(secrets_))}")
