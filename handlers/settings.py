"""Where handlers come from, as the environment or a `.env` file says."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

IN_A_TABLE: Final = "table"


class HandlerSettings(BaseSettings):
    """The settings of handler discovery, and of the handlers in `handlers/builtin/`."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
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
        description=(
            "Whether the handlers of `handlers/builtin/` run too: `log_event`, and those of the five below"
            " that are turned on."
        ),
    )
    # Each named as the file that it turns on: see `is_on`.
    diagnose_failed_agent: bool = Field(
        default=False,
        validation_alias="HOOKS_DIAGNOSE_FAILED_AGENT",
        description=(
            "`true` has Chucky asked why an agent failed, and its answer stored as a memory"
            " (`agent.failed`). What ChaozCode tells of the agent is sent to Chucky."
        ),
    )
    remember_agent_result: bool = Field(
        default=False,
        validation_alias="HOOKS_REMEMBER_AGENT_RESULT",
        description="`true` has the summary of an agent's result stored as a memory (`agent.completed`).",
    )
    notify_of_usage: SecretStr | None = Field(
        default=None,
        validation_alias="HOOKS_NOTIFY_OF_USAGE",
        description=(
            "A Slack-compatible webhook URL, to which the usage of both APIs is posted when a threshold is"
            " reached (`usage.threshold`). The URL is a secret, and never shown."
        ),
    )
    mirror_memories: str | None = Field(
        default=None,
        validation_alias="HOOKS_MIRROR_MEMORIES",
        description=(
            "Where memories are mirrored to, deletions too (`memory.*`): `table`, which is"
            " `mirrored_memories` beside the event log, or a file whose name ends with `.jsonl`."
        ),
    )
    keep_project_history: bool = Field(
        default=False,
        validation_alias="HOOKS_KEEP_PROJECT_HISTORY",
        description=(
            "`true` has the settings that a project had, and what changed, kept in the table"
            " `project_changes` beside the event log (`project.updated`)."
        ),
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

    def is_on(self, module: str) -> bool:
        """Tell whether a file of `handlers/builtin/` is to be loaded; one without a setting always is."""
        return self.builtin and (module not in type(self).model_fields or bool(getattr(self, module)))

    @field_validator("notify_of_usage")
    @classmethod
    def _require_url(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is None:
            return None
        url = secret.get_secret_value().strip()
        try:
            is_one = urlsplit(url).scheme in ("https", "http") and bool(urlsplit(url).hostname)
        except ValueError:
            is_one = False
        if not is_one or not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError("must be the URL of an incoming webhook, which starts with https://")
        return SecretStr(url)

    @field_validator("mirror_memories")
    @classmethod
    def _require_place(cls, place: str | None) -> str | None:
        if place is not None and place != IN_A_TABLE and not place.endswith(".jsonl"):
            raise ValueError(f"must be {IN_A_TABLE!r}, or the path of a file whose name ends with .jsonl")
        return place

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
