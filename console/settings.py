"""The settings of the `hooks` command, from the environment and the home folder."""

import os
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_MOST_WORKERS: Final = 64


class OutputSettings(BaseSettings):
    """How the processes log."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    format: Literal["text", "json"] = Field(
        default="text",
        validation_alias="HOOKS_LOG_FORMAT",
        description="How processes log, one line an event: `text` for people, `json` for machines.",
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        validation_alias="HOOKS_LOG_LEVEL",
        description="The least level that is logged: `debug`, `info`, `warning` or `error`.",
    )


class UpSettings(BaseSettings):
    """What `hooks up` runs."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    host: str = Field(
        default="127.0.0.1",
        validation_alias="HOOKS_HOST",
        description="The address that the receiver listens on; `hooks up` keeps to this machine.",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=_MOST_WORKERS,
        validation_alias="HOOKS_WORKERS",
        description="How many workers `hooks up` runs.",
    )
    queue_workers: Annotated[dict[str, int], NoDecode] = Field(
        default={},
        validation_alias="HOOKS_QUEUE_WORKERS",
        description=(
            "How many workers `hooks up` runs for the queues that handlers have of their own, such as"
            " `slow=3 mail=2`; one where nothing is said."
        ),
    )

    @field_validator("queue_workers", mode="before")
    @classmethod
    def _read_numbers(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        numbers = {}
        for part in value.replace(",", " ").split():
            name, _, number = part.partition("=")
            if not (name and number.isascii() and number.isdigit() and 1 <= int(number) <= _MOST_WORKERS):
                raise ValueError(
                    f"{part!r} is no name=number, a number from 1 to {_MOST_WORKERS}: write slow=3 mail=2"
                )
            numbers[name] = int(number)
        return numbers


def environment_with(**variables: str) -> dict[str, str]:
    """Give this process's environment with some variables set, for a child process."""
    return {**os.environ, **variables}


class _Environment(BaseSettings):
    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", hide_input_in_errors=True)

    webhook_secret: SecretStr = Field(default=SecretStr(""), validation_alias="CHAOZCODE_WEBHOOK_SECRET")


def secrets_in_environment() -> tuple[str, ...]:
    """Give the webhook secrets of the environment alone, which win over those of any file."""
    return tuple(_Environment().webhook_secret.get_secret_value().split())


class TriggerSettings(BaseSettings):
    """The settings of `hooks trigger`."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="CHAOZCODE_WEBHOOK_SECRET",
        description=(
            "The webhook's signing secret; several may be given, separated by white space, the newest first."
        ),
    )
    home: Path = Field(
        default=Path(".hooks"),
        validation_alias="HOOKS_HOME",
        description="The folder of everything embedded: the SQLite log, Valkey's data, a development secret.",
    )
    secret_file: Path | None = Field(
        default=None,
        validation_alias="HOOKS_WEBHOOK_SECRET_FILE",
        description="A file that holds the secret where `CHAOZCODE_WEBHOOK_SECRET` is not set.",
    )
    port: int = Field(
        default=8000, ge=1, le=65535, validation_alias="PORT", description="The port the receiver listens on."
    )
    tls_cert: Path | None = Field(
        default=None,
        validation_alias="HOOKS_TLS_CERT",
        description="The certificate with which the receiver serves HTTPS itself.",
    )

    @property
    def secret(self) -> bytes | None:
        """The newest secret: the environment's, else the one in the file; None without either."""
        given = self.webhook_secret.get_secret_value() or _read(self.file_of_secret)
        return next((secret.encode() for secret in given.split()), None)

    @property
    def made_by_up(self) -> str | None:
        """The secret in the file, which `hooks up` made unless another is named; None where there is none."""
        return _read(self.file_of_secret).strip() or None

    @property
    def file_of_secret(self) -> Path:
        """The file that is read where no variable holds the secret."""
        return self.secret_file or self.home / "webhook-secret"

    @property
    def url(self) -> str:
        """The running receiver's URL as `hooks up` noted it, else the usual one."""
        noted = _read(self.home / "url").strip()
        scheme = "http" if self.tls_cert is None else "https"
        return noted or f"{scheme}://127.0.0.1:{self.port}/webhooks/chaozcode"


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
