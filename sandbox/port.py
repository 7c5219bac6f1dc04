"""Whether the sandbox's port is free; loads nothing that is slow."""

import os
import socket


class SandboxPortTaken(OSError):  # noqa: N818 - named for what happened
    """The sandbox's port can't be listened on."""


def listen(host: str, port: int) -> socket.socket:
    """Give a socket that listens; raises `SandboxPortTaken` with what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # Sets SO_REUSEADDR, so that a sandbox that was just stopped is no hindrance.
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        # create_server appends the address to the error's own words.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error
        raise SandboxPortTaken(
            f"the sandbox can't listen on {host}:{port}: {reason};"
            " set HOOKS_SANDBOX_PORT to another, or start without it: hooks up --no-sandbox"
        ) from error
