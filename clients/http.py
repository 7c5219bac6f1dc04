"""What all our HTTP clients share: our name, the certificates, and loggers that keep silent."""

import functools
import logging
import ssl
from importlib.metadata import PackageNotFoundError, version

import httpx2


@functools.cache
def user_agent() -> str:
    try:
        return f"chaozcode-hooks/{version('chaozcode-hooks')}"
    except PackageNotFoundError:  # run from a folder that was not installed
        return "chaozcode-hooks"


@functools.cache
def certificates() -> ssl.SSLContext:
    """Give what servers are verified with; made once, as that takes a tenth of a second."""
    return httpx2.create_ssl_context()


def silence_loggers() -> None:
    """Have httpx2 log nothing below warnings: it logs whole URLs and headers.

    Only who asks its loggers by name shall have that.
    """
    for name in ("httpx2", "httpcore2"):
        if logging.getLogger(name).level == logging.NOTSET:
            logging.getLogger(name).setLevel(logging.WARNING)
