"""The sandbox's settings, from the environment or a `.env` file."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from sandbox.plans import PlanName


class SandboxSettings(BaseSettings):
    """Where the sandbox is, and what it imitates."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    port: int = Field(
        default=8010,
        ge=1,
        le=65535,
        validation_alias="HOOKS_SANDBOX_PORT",
        description="The port that the sandbox listens on.",
    )
    host: str = Field(
        default="127.0.0.1",
        validation_alias="HOOKS_SANDBOX_HOST",
        description="The address that the sandbox listens on; everybody knows its keys.",
    )
    plan: PlanName = Field(
        default="team",
        validation_alias="HOOKS_SANDBOX_PLAN",
        description=(
            "The plan whose rate limits the sandbox keeps: `free`, `pro`, `team` or `enterprise`; its"
            " production key has the next higher."
        ),
    )
    usage_limit: int | None = Field(
        default=None,
        ge=1,
        validation_alias="HOOKS_SANDBOX_USAGE_LIMIT",
        description=(
            "How many calls a month the sandbox's `usage.threshold` refers to, which is sent at 80 % and at"
            " 100 %; by default as many as the plan allows a day."
        ),
    )
    agent_seconds: float = Field(
        default=1.0,
        ge=0,
        le=3600,
        validation_alias="HOOKS_SANDBOX_AGENT_SECONDS",
        description="How long an agent of the sandbox runs.",
    )
    one_webhook_per_url: bool = Field(
        default=False,
        validation_alias="HOOKS_SANDBOX_ONE_WEBHOOK_PER_URL",
        description="Whether the sandbox refuses a second webhook for a URL, with 409.",
    )
    webhook_url: str = Field(
        default="",
        validation_alias="HOOKS_SANDBOX_WEBHOOK_URL",
        description=(
            "A webhook URL that the sandbox knows from its start, with the receiver's newest secret, for all"
            " event types; `hooks up` sets it to its receiver's."
        ),
    )

    @property
    def url(self) -> str:
        """Where others on this machine reach it."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - told apart, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
