"""The webhook's secrets: from the environment, a `.env` file, or the file that `hooks up` makes."""

from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

SECRET_VARIABLE: Final = "CHAOZCODE_WEBHOOK_SECRET"  # noqa: S105 - a variable's name
SECRET_FILE: Final = "webhook-secret"  # noqa: S105 - a file's name
SHORTEST_SECRET: Final = 8
_HOME: Final = ".hooks"


class SecretSettings(BaseSettings):
    """Which signatures are accepted."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        validation_alias=SECRET_VARIABLE,
        description=(
            "The webhook's signing secret, which `hooks webhooks register` writes into `.env`. While it is"
            " being changed, several, separated by white space, the newest first; a signature by any of them"
            " is accepted. Unset: the one that `hooks up` made, in `HOOKS_HOME`. A change in a file is taken"
            " up within two seconds, without a restart."
        ),
    )
    home: Path = Field(
        default=Path(_HOME),
        validation_alias="HOOKS_HOME",
        description="The folder of everything embedded: the SQLite log, Valkey's data, a development secret.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Add the file that `hooks up` makes, below all others."""
        return init_settings, env_settings, dotenv_settings, _MadeByUp(settings_cls)

    @field_validator("secrets", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:  # noqa: ANN401 - whatever was given, before it is checked
        secrets = value.split() if isinstance(value, str) else value
        if not secrets:
            raise ValueError("must hold the webhook's signing secret, as ChaozCode shows it; it is empty")
        if any(len(secret) < SHORTEST_SECRET for secret in secrets):
            raise ValueError(f"a secret must have at least {SHORTEST_SECRET} characters")
        return secrets

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The secrets as HMAC keys."""
        return tuple(secret.get_secret_value().encode() for secret in self.secrets)


class _MadeByUp(PydanticBaseSettingsSource):
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        if self.current_state.get(SECRET_VARIABLE):
            return {}
        try:
            text = (Path(str(self.current_state.get("HOOKS_HOME") or _HOME)) / SECRET_FILE).read_text("utf-8")
        except FileNotFoundError:
            return {}
        return {SECRET_VARIABLE: text} if text.strip() else {}


def secret_files() -> tuple[Path, ...]:
    """Give the files that the secrets may come from, in the order in which they count."""
    return Path(".env"), _Home().home / SECRET_FILE


class _Home(BaseSettings):
    model_config = SecretSettings.model_config

    home: Path = Field(default=Path(_HOME), validation_alias="HOOKS_HOME")
