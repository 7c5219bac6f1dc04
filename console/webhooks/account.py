"""The account at ChaozCode whose webhooks the commands are about, and its errors in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import click
from stamina import instrumentation

from clients.chaozcode.client import ChaozCode
from clients.chaozcode.errors import Forbidden, NotFound, Unauthorized
from clients.errors import ApiError, TransportFailed, TryLater
from clients.settings import ApiSettings
from console.visible import visible_line
from console.webhooks.changeover import ChangeStopped
from console.webhooks.env_file import EnvFileUnusable
from console.webhooks.journal import JournalUnusable
from sandbox.settings import SandboxSettings
from sandbox.trust import is_loopback

_CALL_SECONDS: Final = 30.0
_KEY: Final = "CHAOZCODE_API_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A client with a key, and where it calls."""

    client: ChaozCode
    api_url: str

    @property
    def is_here(self) -> bool:
        """Whether the API is on this machine by plain http: the sandbox."""
        return self.api_url.startswith("http://") and is_loopback(self.api_url)


@contextmanager
def open_account() -> Iterator[Account]:
    """Open a client with the key of the environment; what goes wrong becomes one line with what to do."""
    settings = ApiSettings()
    key = settings.chaozcode_key
    if key is None:
        raise click.ClickException(
            f"{_KEY} is not set: make a key at chaozcode.com/app/dashboard (Settings, API Keys) and set it"
            " in the environment or in .env. For the sandbox of `hooks up`:"
            f" CHAOZCODE_API_URL={SandboxSettings().url}/v2 {_KEY}=cc_dev_sandbox"
        )
    with (
        _no_log_of_repeats(),
        _in_words(settings.chaozcode_url),
        ChaozCode(
            key.get_secret_value(), base_url=settings.chaozcode_url, timeout_seconds=_CALL_SECONDS
        ) as client,
    ):
        yield Account(client=client, api_url=settings.chaozcode_url)


@contextmanager
def _no_log_of_repeats() -> Iterator[None]:
    # A person waits for the command, and is told what came of it in the end.
    before = instrumentation.get_on_retry_hooks()
    instrumentation.set_on_retry_hooks(())
    try:
        yield
    finally:
        instrumentation.set_on_retry_hooks(before)


@contextmanager
def _in_words(api_url: str) -> Iterator[None]:
    try:
        yield
    except (ChangeStopped, EnvFileUnusable, JournalUnusable) as error:
        raise click.ClickException(visible_line(str(error))) from error
    except ApiError as error:
        raise click.ClickException(visible_line(_words(error, api_url))) from error


def _words(error: ApiError, api_url: str) -> str:
    match error:
        case Unauthorized():
            return (
                f"ChaozCode does not accept {_KEY} (401): it is not whole, or was revoked; make a new one"
                " at chaozcode.com/app/dashboard (Settings, API Keys)"
            )
        case Forbidden():
            return (
                f"{_KEY} may not do this (403): a readonly key can only list webhooks, a restricted one even"
                " less; take a development or production key"
            )
        case TransportFailed():
            return f"ChaozCode's API at {api_url} does not answer: {error}; run the command again"
        case TryLater():
            return f"ChaozCode's limit of requests is reached; try again in {error.retry_after or 60:.0f} s"
        case NotFound():
            return f"{error}; is CHAOZCODE_API_URL right ({api_url})?"
    again = "; run the command again" if error.is_transient else ""
    return f"ChaozCode's API: {error}{again}"
