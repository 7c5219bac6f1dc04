"""Where the event log is, from the environment."""

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from eventlog.errors import InvalidDatabaseUrl
from eventlog.url import kind_of


class LogSettings(BaseSettings):
    """The event log's settings."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    home: Path = Field(
        default=Path(".hooks"),
        validation_alias="HOOKS_HOME",
        description="The folder of everything embedded: the SQLite log, Valkey's data, a development secret.",
    )
    database_url: str = Field(
        default="",
        validation_alias="DATABASE_URL",
        description=(
            "The event log's database: `postgresql://user:password@host/name`, or `sqlite:///path/to/file.db`."
            " Unset: `events.db` in `HOOKS_HOME`."
        ),
    )

    @field_validator("home")
    @classmethod
    def _fits_into_a_url(cls, home: Path) -> Path:
        if "?" in str(home):
            raise ValueError("must not hold a question mark, which ends the path of a database URL")
        return home

    @field_validator("database_url")
    @classmethod
    def _is_usable(cls, url: str) -> str:
        if url:
            try:
                kind_of(url)
            except InvalidDatabaseUrl as error:
                raise ValueError(str(error)) from error
        return url

    @property
    def url(self) -> str:
        """The database's URL, given or embedded."""
        return self.database_url or f"sqlite:///{self.home.absolute() / 'events.db'}"
