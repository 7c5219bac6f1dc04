"""Serve the receiver with granian."""

import os
import resource
import signal
import socket
from functools import partial
from typing import Final

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from receiver.settings import ReceiverSettings

_CONNECTIONS: Final = 16_384
"""Open connections a process at most, idle ones too: granian stops accepting beyond."""

_HEADER_MILLISECONDS: Final = 10_000
_HEADER_BYTES: Final = 64 * 1024
_STOP_SECONDS: Final = 15

STOP_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT})
"""Held back in a new process until it can act on them: RsgiDoor lets them through."""


class PortTaken(OSError):  # noqa: N818 - named for what happened
    """The receiver's port can't be listened on."""


def serve(settings: ReceiverSettings, *, application: str) -> None:
    """Serve until told to stop; `application` names a factory as "module:function".

    Raises `PortTaken` when the port can't be listened on.
    """
    require_port(settings.host, settings.port)
    _allow_open_files()
    _hold_stop_signals_over_forks()
    Granian(
        application,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.RSGI,
        factory=True,
        workers=settings.processes,
        # HTTP/1 alone, with a header timeout: "auto" never closes a connection that says nothing.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MILLISECONDS, max_buffer_size=_HEADER_BYTES),
        websockets=False,
        backlog=2048,
        backpressure=_CONNECTIONS,
        log_level=LogLevels.warning,
        log_dictconfig={"loggers": {}, "handlers": {}, "formatters": {}},
        respawn_failed_workers=True,
        respawn_interval=0.1,
        workers_kill_timeout=_STOP_SECONDS,
    ).serve()


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


def _hold_stop_signals_over_forks() -> None:
    # A new process has the main one's handlers until granian gives it its own: a SIGTERM between the two
    # would be lost, and the stop take until granian kills the process.
    os.register_at_fork(
        before=partial(signal.pthread_sigmask, signal.SIG_BLOCK, STOP_SIGNALS),
        after_in_parent=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, STOP_SIGNALS),
    )


def _allow_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS + 1024
    if soft != resource.RLIM_INFINITY and soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
