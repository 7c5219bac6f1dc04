"""Whether the environment says what each process needs to know."""

from collections.abc import Iterator
from typing import Final

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from clients.settings import ApiSettings
from console.doctor.finding import Finding, ok, problem
from console.settings import OutputSettings, TriggerSettings
from console.wording import settings_errors
from eventlog.settings import LogSettings
from handlers.settings import HandlerSettings
from receiver.settings import ReceiverSettings
from workers.queue.settings import QueueSettings
from workers.settings import WorkerSettings

_SECRET: Final = "CHAOZCODE_WEBHOOK_SECRET"  # noqa: S105 - a variable's name
_OF_THE_SECRET: Final = (f"{_SECRET}:", "secrets:")
"""How its errors begin; pydantic names the field itself where the variable is not set at all."""
_ALL: Final[tuple[type[BaseSettings], ...]] = (
    LogSettings,
    QueueSettings,
    ReceiverSettings,
    HandlerSettings,
    WorkerSettings,
    ApiSettings,
    OutputSettings,
)


def check_settings() -> Iterator[Finding]:
    """Read the settings of every process; the webhook secret is a check of its own."""
    wrong = [line for kind in _ALL for line in _errors(kind) if not line.startswith(_OF_THE_SECRET)]
    for line in dict.fromkeys(wrong):
        yield problem("settings", line, "correct this variable, in the environment or in .env")
    if not wrong:
        yield ok("settings", "all variables have usable values")


def check_secret() -> Iterator[Finding]:
    """Look for a secret that the receiver can verify signatures with."""
    wrong = [line for line in _errors(ReceiverSettings) if line.startswith(_OF_THE_SECRET)]
    made = TriggerSettings()
    given = made.webhook_secret.get_secret_value()
    if not wrong and given:
        yield ok("webhook secret", f"{_SECRET} is set")
    elif not given and made.secret is not None:
        whose = "the development secret that `hooks up` made" if made.secret_file is None else "the secret"
        yield ok("webhook secret", f"{whose}, kept in {made.file_of_secret}")
    else:
        yield problem(
            "webhook secret",
            wrong[0] if given else f"{_SECRET} is not set: the receiver does not start without it",
            "set it to the secret that ChaozCode showed when the webhook was registered;"
            " for development `hooks up` makes one",
        )


def _errors(kind: type[BaseSettings]) -> list[str]:
    try:
        kind()
    except ValidationError as error:
        return settings_errors(error)
    return []
