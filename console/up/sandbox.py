"""The sandbox of `hooks up`: its socket, and how the other processes are told of it."""

from socket import socket
from typing import Final

from clients.settings import ApiSettings
from sandbox.chucky.token import SANDBOX_TOKEN
from sandbox.keys import FIXED_KEYS
from sandbox.port import listen
from sandbox.settings import SandboxSettings

_KEY: Final = FIXED_KEYS["development"]


def listen_for_sandbox(settings: SandboxSettings) -> socket:
    """Listen where the sandbox is to, which is given the socket; or raise `SandboxPortTaken`.

    Who calls it before it has started, or while it is started again, waits and is not refused.
    """
    return listen(settings.host, settings.port)


def sandbox_environment(sandbox: SandboxSettings, apis: ApiSettings, *, receiver_url: str) -> dict[str, str]:
    """Give what the processes are to find in their environment.

    The sandbox learns where the receiver is. Handlers call the sandbox in place of each API of which the user
    has set neither the key nor the URL.
    """
    variables = {} if sandbox.webhook_url else {"HOOKS_SANDBOX_WEBHOOK_URL": receiver_url}
    if apis.chaozcode_key is None and "chaozcode_url" not in apis.model_fields_set:
        variables |= {"CHAOZCODE_API_URL": f"{sandbox.url}/v2", "CHAOZCODE_API_KEY": _KEY}
    if apis.chucky_token is None and "chucky_url" not in apis.model_fields_set:
        variables |= {"CHUCKY_URL": sandbox.url, "CHUCKY_TOKEN": SANDBOX_TOKEN}
    return variables


def sandbox_greeting(settings: SandboxSettings) -> str:
    """Give the command that makes the sandbox send an event, after an empty line."""
    return f"""
Or act on the sandbox, which imitates ChaozCode and Chucky, and sends what that brings about:

  curl {settings.url}/v2/memory/store -H "Authorization: Bearer {_KEY}" \\
    -H "Content-Type: application/json" -d '{{"id": "first", "content": "Hello"}}'
"""
