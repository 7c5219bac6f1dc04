"""The webhook's secrets: from the environment, a `.env` file, or a file of their own."""

from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

SECRET_VARIABLE: Final = "CHAOZCODE_WEBHOOK_SECRET"  # noqa: S105 - a variable's name
SECRET_FILE_VARIABLE: Final = "HOOKS_WEBHOOK_SECRET_FILE"  # noqa: S105 - a variable's name
SHORTEST_SECRET: Final = 8


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
            " is accepted. `hooks up` makes one where none is set. A change in a file is taken up within two"
            " seconds, without a restart."
        ),
    )
    secret_file: Path | None = Field(
        default=None,
        validation_alias=SECRET_FILE_VARIABLE,
        description=(
            "A file that holds the secret where `CHAOZCODE_WEBHOOK_SECRET` is not set, such as one that the"
            " host mounts. `hooks up` sets it to the one that it makes."
        ),
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
        """Add the file of its own, below all others."""
        return init_settings, env_settings, dotenv_settings, _InAFile(settings_cls)

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


class _InAFile(PydanticBaseSettingsSource):
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        file = self.current_state.get(SECRET_FILE_VARIABLE)
        if self.current_state.get(SECRET_VARIABLE) or not file:
            return {}
        try:
            text = Path(str(file)).read_text("utf-8")
        except FileNotFoundError:
            return {}
        return {SECRET_VARIABLE: text} if text.strip() else {}


def secret_files() -> tuple[Path, ...]:
    """Give the files that the secrets may come from, in the order in which they count."""
    file = _File().secret_file
    return (Path(".env"), *(() if file is None else (file,)))


class _File(BaseSettings):
    model_config = SecretSettings.model_config

    secret_file: Path | None = Field(default=None, validation_alias=SECRET_FILE_VARIABLE)
