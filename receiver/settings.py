"""The receiver's settings, from the environment."""

from typing import Self

from pydantic import Field, model_validator

from receiver.secret_settings import SecretSettings
from receiver.tls_settings import TlsSettings


class ReceiverSettings(SecretSettings, TlsSettings):
    """What the receiver needs to know."""

    host: str = Field(
        default="0.0.0.0",  # noqa: S104 - a public door
        validation_alias="HOOKS_HOST",
        description="The address that the receiver listens on.",
    )
    port: int = Field(
        default=8000,
        ge=1,
        le=65535,
        validation_alias="PORT",
        description="The port that the receiver listens on.",
    )
    processes: int = Field(
        default=1,
        ge=1,
        le=64,
        validation_alias="HOOKS_RECEIVER_PROCESSES",
        description="How many processes the receiver runs.",
    )
    max_body_bytes: int = Field(
        default=256 * 1024,
        ge=1024,
        le=64 * 1024 * 1024,
        validation_alias="HOOKS_MAX_BODY_BYTES",
        description="The largest request body that is taken; a larger one is answered with 413.",
    )
    body_seconds: float = Field(
        default=10.0,
        gt=0,
        le=300,
        validation_alias="HOOKS_BODY_SECONDS",
        description="How long a client may take to send a request's body, and to read its answers.",
    )
    arriving_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=1024,
        validation_alias="HOOKS_ARRIVING_BYTES",
        description=(
            "How many bytes of bodies that are still arriving a process may hold; past it the large ones that"
            " arrive slowly are given up with 503."
        ),
    )
    intake_events: int = Field(
        default=10_000,
        ge=1,
        validation_alias="HOOKS_INTAKE_EVENTS",
        description="How many events may wait in a process to be written; past it the answer is 503 at once.",
    )
    intake_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=1024,
        validation_alias="HOOKS_INTAKE_BYTES",
        description="How many bytes of bodies may wait in a process to be written.",
    )
    intake_seconds: float = Field(
        default=2.0,
        gt=0,
        le=60,
        validation_alias="HOOKS_INTAKE_SECONDS",
        description=(
            "How long an event may have to wait to be written, as far as can be foreseen from the last"
            " commits; past it the answer is 503 at once."
        ),
    )

    rejects_events: int = Field(
        default=1000,
        ge=0,
        le=10_000,
        validation_alias="HOOKS_REJECTS_EVENTS",
        description=(
            "How many refused requests are kept for `hooks rejects`, of the signed and of the unsigned each;"
            " 0 keeps none."
        ),
    )
    rejects_bytes: int = Field(
        default=16 * 1024 * 1024,
        ge=0,
        le=1024 * 1024 * 1024,
        validation_alias="HOOKS_REJECTS_BYTES",
        description="How many bytes of their bodies are kept, of each kind; 0 keeps no bodies.",
    )

    @model_validator(mode="after")
    def _largest_body_fits(self) -> Self:
        for name, held in (
            ("HOOKS_INTAKE_BYTES", self.intake_bytes),
            ("HOOKS_ARRIVING_BYTES", self.arriving_bytes),
        ):
            if held < self.max_body_bytes:
                raise ValueError(
                    f"{name} must be at least HOOKS_MAX_BODY_BYTES, or the largest events never fit"
                )
        return self
