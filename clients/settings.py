"""How the APIs are reached, from the environment or a `.env` file."""

from typing import Final, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

CHAOZCODE_URL: Final = "https://api.chaozcode.com/v2"
CHUCKY_URL: Final = "https://conjure.chucky.cloud"


class ApiSettings(BaseSettings):
    """What the clients of both APIs need to know."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    chaozcode_key: SecretStr | None = Field(
        default=None,
        validation_alias="CHAOZCODE_API_KEY",
        description="ChaozCode's API key, for `ctx.chaozcode` and `hooks webhooks`.",
    )
    chaozcode_url: str = Field(
        default=CHAOZCODE_URL,
        validation_alias="CHAOZCODE_API_URL",
        description="Where ChaozCode's REST API v2 is.",
    )
    chaozcode_plan: Literal["auto", "free", "pro", "team", "enterprise", "none"] = Field(
        default="auto",
        validation_alias="HOOKS_CHAOZCODE_PLAN",
        description=(
            "The plan whose limits all workers together keep to: `free`, `pro`, `team` or `enterprise`;"
            " `auto` takes it from what replies say, `none` sends without a limit of our own."
        ),
    )
    chucky_token: SecretStr | None = Field(
        default=None, validation_alias="CHUCKY_TOKEN", description="Chucky's token, a JWT, for `ctx.chucky`."
    )
    chucky_url: str = Field(
        default=CHUCKY_URL, validation_alias="CHUCKY_URL", description="Where Chucky's REST API is."
    )

    @field_validator("chaozcode_url", "chucky_url")
    @classmethod
    def _require_url(cls, url: str) -> str:
        stripped = url.strip().rstrip("/")
        if not stripped.startswith(("https://", "http://")):
            raise ValueError("must be a URL that starts with https://, such as https://api.chaozcode.com/v2")
        return stripped

    @field_validator("chaozcode_key", "chucky_token")
    @classmethod
    def _require_one_word(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is None:
            return None
        text = secret.get_secret_value().strip()
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("must be one word of ASCII characters, as the API's dashboard shows it")
        return SecretStr(text)
