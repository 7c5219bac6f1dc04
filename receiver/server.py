"""Serve the receiver with granian."""

from typing import Final

from granian import Granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels

from receiver.open_files import allow_connections
from receiver.port import require_port
from receiver.settings import ReceiverSettings
from receiver.stop_signals import hold_over_forks
from receiver.turns_on_a_core import finish_before_others

_HEADER_MILLISECONDS: Final = 5_000
"""Counted from the last answer, too: it is also how long a connection may be kept alive without a request."""

_HEADER_BYTES: Final = 16 * 1024
"""The largest head of a request, and what each connection may make the server hold of what it has sent."""

_STOP_SECONDS: Final = 15


def serve(settings: ReceiverSettings, *, application: str) -> None:
    """Serve until told to stop; `application` names a factory as "module:function".

    Raises `PortTaken` when the port can't be listened on.
    """
    require_port(settings.host, settings.port)
    connections = allow_connections()
    hold_over_forks()
    finish_before_others()
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
        ssl_cert=settings.tls_cert,
        ssl_key=settings.tls_key,
        ssl_protocol_min=SSLProtocols.tls12,
        backlog=2048,
        backpressure=connections,  # idle ones too: granian stops accepting beyond
        log_level=LogLevels.warning,
        log_dictconfig={"loggers": {}, "handlers": {}, "formatters": {}},
        respawn_failed_workers=True,
        respawn_interval=0.1,
        workers_kill_timeout=_STOP_SECONDS,
    ).serve()
