"""The secrets that a refused request is tried with; none of them is ever shown."""

import sys
from pathlib import Path
from typing import Final

import click

from console.settings import TriggerSettings
from receiver.explain.keys import KnownSecret
from receiver.settings import ReceiverSettings

_VARIABLE: Final = "CHAOZCODE_WEBHOOK_SECRET"


def accepted_secrets() -> list[KnownSecret]:
    """Give those that the receiver takes: the environment's, else the one that `hooks up` made."""
    settings = TriggerSettings()
    if settings.webhook_secret.get_secret_value().strip():
        return [
            KnownSecret(name=_name(place), key=key, is_accepted=True)
            for place, key in enumerate(ReceiverSettings().keys)
        ]
    made = _made_by_up(settings, is_accepted=True)
    if not made:
        raise click.ClickException(
            f"there is no secret to verify with: set {_VARIABLE} as the receiver has it, or start `hooks up`,"
            f" which makes one and keeps it in {settings.file_of_secret}"
        )
    return made


def other_secrets(file: str | None, accepted: list[KnownSecret]) -> list[KnownSecret]:
    """Give those that the receiver does not take: a file's, and the one that `hooks up` made."""
    others = [] if file is None else _in_file(file)
    others += _made_by_up(TriggerSettings(), is_accepted=False)
    known = {secret.key for secret in accepted}
    return [secret for secret in others if secret.key not in known]


def _name(place: int) -> str:
    return f"the secret at place {place + 1} in {_VARIABLE}"


def _made_by_up(settings: TriggerSettings, *, is_accepted: bool) -> list[KnownSecret]:
    path = settings.file_of_secret
    try:
        keys = path.read_bytes().split()
    except OSError:
        return []
    name = f"the development secret in {path}"
    return [KnownSecret(name=name, key=key, is_accepted=is_accepted) for key in keys]


def _in_file(file: str) -> list[KnownSecret]:
    try:
        keys = (sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()).split()
    except OSError as error:
        raise click.UsageError(f"--secret-file {file} can't be read: {error.strerror}") from error
    if not keys:
        raise click.UsageError(f"--secret-file {file} is empty; write the secret into it, nothing else")
    where = "standard input" if file == "-" else file
    return [
        KnownSecret(
            name=f"the secret in {where}" if len(keys) == 1 else f"secret {place} in {where}",
            key=key,
            is_accepted=False,
        )
        for place, key in enumerate(keys, start=1)
    ]
