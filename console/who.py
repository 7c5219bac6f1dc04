"""Who runs a command, as it is kept with what it did."""

import getpass
import os
import socket


def who() -> str:
    """Return user@host."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # no name for this uid, as in many containers
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
