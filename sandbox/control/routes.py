"""All of the sandbox's own routes."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response

from sandbox.chucky.desk import Desk
from sandbox.control.chucky import chucky_control
from sandbox.control.general import general_routes
from sandbox.control.posted import ControlRefused, json_reply
from sandbox.faults import Faults
from sandbox.faulty_door import CONTROL_PREFIX
from sandbox.outbox import Outbox


def control_routes(
    faults: Faults, outbox: Outbox, desk: Desk, *, now: Callable[[], datetime], reset: Callable[[], None]
) -> Blueprint:
    """Give the routes; `reset` has the sandbox forget all it knows."""
    routes = Blueprint("control", __name__, url_prefix=CONTROL_PREFIX)
    routes.register_blueprint(general_routes(faults, outbox, reset=reset))
    routes.register_blueprint(chucky_control(desk, now=now))

    @routes.errorhandler(ControlRefused)
    def refuse(refused: ControlRefused) -> Response:
        return json_reply({"error": str(refused)}, 400)

    return routes
