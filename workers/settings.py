"""The workers' settings, from the environment."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


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
            " its events run again when this has passed."
        ),
    )
    grace_seconds: float = Field(
        default=20.0,
        ge=0,
        le=600,
        validation_alias="HOOKS_GRACE_SECONDS",
        description="How long a process that is told to stop may finish what it is at.",
    )

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)
