"""docs/configuration.md, written from the settings: `python -m console.reference > docs/configuration.md`."""

from collections.abc import Sequence
from typing import Any, Final, Literal, get_origin

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from clients.settings import ApiSettings
from console.settings import OutputSettings, UpSettings
from eventlog.settings import LogSettings
from handlers.settings import HandlerSettings
from receiver.settings import ReceiverSettings
from sandbox.settings import SandboxSettings
from workers.queue.settings import QueueSettings
from workers.settings import WorkerSettings

_SECTIONS: Final[Sequence[tuple[str, Sequence[type[BaseSettings]]]]] = (
    ("The event log and the queue", (LogSettings, QueueSettings)),
    ("The receiver", (ReceiverSettings,)),
    ("Workers and the clock", (WorkerSettings,)),
    ("Handlers", (HandlerSettings,)),
    ("The APIs of ChaozCode and Chucky", (ApiSettings,)),
    ("Logs, and `hooks up`", (OutputSettings, UpSettings)),
    ("The sandbox", (SandboxSettings,)),
)

_HEAD: Final = """\
# Configuration

Everything is set by environment variables, or in a file `.env` in the working directory (the environment
wins). An empty variable counts as unset. A wrong value ends the process at start with one line that names
the variable.

This page is written by `make docs` from the settings themselves.
"""


def configuration_page() -> str:
    """Give the page's text, in Markdown."""
    parts = [_HEAD]
    seen: set[str] = set()
    for title, classes in _SECTIONS:
        rows = []
        for settings in classes:
            for field in settings.model_fields.values():
                variable = str(field.validation_alias)
                if variable not in seen:
                    seen.add(variable)
                    rows.append(f"| `{variable}` | {_default(field)} | {field.description}{_limits(field)} |")
        parts.append(
            f"## {title}\n\n| variable | default | what it does |\n|---|---|---|\n" + "\n".join(rows) + "\n"
        )
    return "\n".join(parts)


def _default(field: FieldInfo) -> str:
    value: Any = None if field.is_required() else field.default
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value}`" if value not in ("", (), None) else "none"


def _limits(field: FieldInfo) -> str:
    bounds = {
        name: getattr(limit, name)
        for limit in field.metadata
        for name in ("ge", "gt", "le")
        if hasattr(limit, name)
    }
    if get_origin(field.annotation) is Literal or not bounds:
        return ""
    least = f"{bounds['ge']} or more" if "ge" in bounds else f"more than {bounds['gt']}"
    if "le" in bounds:
        return f" From {bounds['ge']} to {bounds['le']}." if "ge" in bounds else f" At most {bounds['le']}."
    return f" {least.capitalize()}."


if __name__ == "__main__":
    print(configuration_page(), end="")
