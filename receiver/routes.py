"""The paths that the receiver answers, the same behind both doors, and what they may be asked."""

from typing import Final

from receiver.reception import WEBHOOK_PATH

ALIVE_PATH: Final = "/healthz"
READY_PATH: Final = "/readyz"

METHODS: Final = {
    WEBHOOK_PATH: ("POST",),
    ALIVE_PATH: ("GET", "HEAD"),
    READY_PATH: ("GET", "HEAD"),
}
