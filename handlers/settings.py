"""Where handlers come from, as the environment or a `.env` file says."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class HandlerSettings(BaseSettings):
    """The settings of handler discovery."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
    )

    modules: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        validation_alias="HOOKS_HANDLERS",
        description=(
            "Python modules with your handlers, separated by commas or white space, "
            "importable from the working directory; for example `billing.hooks,alerts`."
        ),
    )
    builtin: bool = Field(
        default=True,
        validation_alias="HOOKS_BUILTIN_HANDLERS",
        description="Whether the handlers of `handlers/builtin/` run too.",
    )

    release: str | None = Field(
        default=None,
        max_length=128,
        validation_alias="HOOKS_RELEASE",
        description=(
            "What you call the code that runs, such as a version or a commit. It is recorded with each "
            "delivery and failure, and `hooks replay --version` finds them by it. At most 128 characters."
        ),
    )

    @field_validator("release")
    @classmethod
    def _require_printable(cls, release: str | None) -> str | None:
        name = None if release is None else release.strip()
        if name is not None and not name.isprintable():
            raise ValueError("a release is a short name or number on one line: leave out control characters")
        return name or None

    @field_validator("modules", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("modules")
    @classmethod
    def _require_module_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not all(part.isidentifier() for part in name.split(".")):
                raise ValueError(
                    f"{name!r} is no module name: write it as in an import statement, such as billing.hooks"
                )
        return tuple(dict.fromkeys(names))
