"""The folder of everything embedded: made, checked, held by one `hooks up` at a time."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

SECRET_FILE: Final = "webhook-secret"  # noqa: S105 - a file's name
URL_FILE: Final = "url"


@contextmanager
def hold_home(home: Path) -> Iterator[None]:
    """Make the folder if need be, and keep any other `hooks up` out of it."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(home / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise click.ClickException(
            f"can't write to {home.absolute()}: {error.strerror}; make it writable, or set HOOKS_HOME"
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise click.ClickException(
                f"hooks up runs already in {home.absolute()}; stop it, or set HOOKS_HOME to another folder"
            ) from error
        yield
    finally:
        os.close(lock)


def development_secret(home: Path) -> str:
    """Give the secret that was made for this folder, making it the first time."""
    path = home / SECRET_FILE
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"whsec_{secrets.token_urlsafe(32)}\n")
    return path.read_text().strip()
