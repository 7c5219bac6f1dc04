"""Whether the receiver's port is free."""

import socket


class PortTaken(OSError):  # noqa: N818 - named for what happened
    """The receiver's port can't be listened on."""


def require_port(host: str, port: int) -> None:
    """Raise `PortTaken` unless the port can be listened on."""
    # granian shares the port between processes, and so would share it with a stranger's process too.
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen()
    except OSError as error:
        raise PortTaken(
            f"can't listen on {host}:{port}: {error.strerror or error}; set PORT (or HOOKS_HOST) to another"
        ) from error
