"""Serves the receiver's Flask application with werkzeug's threaded server, as a process of its own."""

import signal
import sys
from types import FrameType

from werkzeug.serving import WSGIRequestHandler, make_server

from console.logs import configure_logs
from console.settings import OutputSettings
from receiver.flask_door import create_flask
from receiver.service import open_service
from receiver.settings import ReceiverSettings


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Leave the log to the receiver."""


def main() -> None:
    """Serve until SIGTERM."""
    configure_logs(OutputSettings())
    settings = ReceiverSettings()
    service = open_service(settings)
    server = make_server(
        settings.host, settings.port, create_flask(service), threaded=True, request_handler=_Quiet
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit

    signal.signal(signal.SIGTERM, stop)
    try:
        server.serve_forever()
    finally:
        service.close()
    sys.exit(0)


if __name__ == "__main__":
    main()
