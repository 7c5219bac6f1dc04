"""The workers' settings, from the environment."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from workers.memory import MIB, granted_bytes

_SHARE_OF_MEMORY = 80
"""Percent, where nothing is set."""


class WorkerSettings(BaseSettings):
    """What a worker needs to know."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    lease_seconds: float = Field(
        default=30.0,
        ge=3,
        le=3600,
        validation_alias="HOOKS_LEASE_SECONDS",
        description=(
            "How long a claim on an event lasts unless its worker renews it; after a worker vanished,"
            " its events run again when this has passed. Set it alike for the workers and the clock."
        ),
    )
    grace_seconds: float = Field(
        default=20.0,
        ge=0,
        le=600,
        validation_alias="HOOKS_GRACE_SECONDS",
        description=(
            "How long a process that is told to stop may finish what it is at. A worker's child whose parent"
            " was killed has half of HOOKS_LEASE_SECONDS, where that is less: nobody renews its lease."
        ),
    )

    # With the 2 s until it is killed less than arrivals wait for the log (`eventlog.database`).
    transaction_seconds: float = Field(
        default=2.0,
        ge=0.1,
        le=60,
        validation_alias="HOOKS_TRANSACTION_SECONDS",
        description=(
            "How long a handler's `ctx.transaction()` may take. On SQLite all else waits meanwhile, arriving"
            " events too, which are refused with 503 when it is more than a few seconds."
        ),
    )
    memory_mib: int = Field(
        default=0,
        ge=0,
        validation_alias="HOOKS_WORKER_MEMORY_MIB",
        description=(
            "How much memory a worker may use, with all that its handlers start; past it, the handler that"
            " runs is killed and has failed. 0: 80 % of what the machine or its cgroup grants."
        ),
    )
    reload_file: Path | None = Field(
        default=None,
        validation_alias="HOOKS_RELOAD_FILE",
        description=(
            "A file. When it is written, each worker finishes what it is at and loads the handlers anew."
            " `hooks up --reload` sets it, and writes it when handlers were edited."
        ),
    )

    @property
    def memory_bytes(self) -> int:
        return self.memory_mib * MIB or granted_bytes() * _SHARE_OF_MEMORY // 100

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)
