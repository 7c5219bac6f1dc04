"""What each of the receiver's processes serves; granian calls `create` there."""

from console.logs import configure_logs
from console.settings import OutputSettings
from receiver.rsgi_door import RsgiDoor
from receiver.service import open_service
from receiver.settings import ReceiverSettings


def create() -> RsgiDoor:
    """Make the application of this process; it opens the log when the server starts it."""
    configure_logs(OutputSettings())
    return RsgiDoor(lambda: open_service(ReceiverSettings()))
