"""Serve the receiver with granian."""

import os
import resource
import signal
from functools import partial
from typing import Final

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from receiver.port import require_port
from receiver.settings import ReceiverSettings

_CONNECTIONS: Final = 16_384
"""Open connections a process at most, idle ones too: granian stops accepting beyond."""

_HEADER_MILLISECONDS: Final = 10_000
_HEADER_BYTES: Final = 64 * 1024
_STOP_SECONDS: Final = 15

STOP_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT})
"""Held back in a new process until it can act on them: RsgiDoor lets them through."""


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
