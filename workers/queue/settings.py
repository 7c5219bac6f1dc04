"""Where the queue is, from the environment."""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9_./-]+")
_SOCKET_PATH_BYTES: Final = 100
"""A little under what the shortest of the supported systems allows."""


class QueueSettings(BaseSettings):
    """The queue's settings."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    home: Path = Field(
        default=Path(".hooks"),
        validation_alias="HOOKS_HOME",
        description="The folder of everything embedded: the SQLite log, Valkey's data, a development secret.",
    )
    redis_url: str = Field(
        default="",
        validation_alias="REDIS_URL",
        description=(
            "The Redis or Valkey server of the queue: `redis://host:6379/0`, `rediss://…` or `unix:///path`."
            " Unset: the embedded Valkey that `hooks up` runs."
        ),
    )

    @field_validator("redis_url")
    @classmethod
    def _is_usable(cls, url: str) -> str:
        if url and not _can_be_asked(url):
            raise ValueError("write redis://host:port/db, rediss://host:port/db or unix:///path/to/socket")
        return url

    @property
    def socket(self) -> Path:
        """The embedded Valkey's unix socket: in the home folder, or where that path won't do, in /tmp."""
        path = self.home.absolute() / "valkey.sock"
        # redis-py trips over the server telling it a path with a space or an equals sign (CLIENT INFO).
        if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES and _PLAIN_PATH.fullmatch(str(path)):
            return path
        short = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"chaozcode-hooks-{os.getuid()}-{short}" / "valkey.sock"

    @property
    def url(self) -> str:
        """The server's URL, given or embedded."""
        return self.redis_url or f"unix://{quote(str(self.socket))}"


def _can_be_asked(url: str) -> bool:
    """Tell whether a URL names a place; whatever is wrong in it is not repeated: it may hold a password."""
    if not url.startswith(("redis://", "rediss://", "unix://")):
        return False
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")  # as each look-up of the host will do
        port = parts.port
    except ValueError:
        return False
    return port != 0
