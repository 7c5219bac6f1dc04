"""The sandbox's own routes: keys, faults, deliveries, and a reset."""

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, Response, request

from sandbox.chucky.token import SANDBOX_TOKEN
from sandbox.control.posted import ControlRefused, Fields, json_reply, read_json
from sandbox.faults import REPLY_FAULTS, WEBHOOK_FAULTS, Fault, Faults
from sandbox.keys import FIXED_KEYS
from sandbox.outbox import Outbox

_LONGEST_SECONDS: Final = 3600.0
_FAULT_FIELDS: Final = ("fault", "path", "event", "method", "count", "probability", "seconds", "after")


def general_routes(faults: Faults, outbox: Outbox, *, reset: Callable[[], None]) -> Blueprint:
    """Give the routes; `reset` has the sandbox forget all it knows."""
    routes = Blueprint("general", __name__)

    @routes.get("")
    def overview() -> Response:
        url = request.host_url.rstrip("/")
        chaozcode = {"url": f"{url}/v2", "keys": list(FIXED_KEYS.values())}
        return json_reply({"chaozcode": chaozcode, "chucky": {"url": url, "token": SANDBOX_TOKEN}})

    @routes.get("/faults")
    def listed_faults() -> Response:
        return json_reply({"faults": [fault.as_json() for fault in faults.listed()]})

    @routes.post("/faults")
    def set_fault() -> Response:
        return json_reply(_fault(read_json(request.get_data()), faults).as_json(), 201)

    @routes.delete("/faults")
    def clear_faults() -> Response:
        faults.clear()
        return Response(status=204)

    @routes.delete("/faults/<fault_id>")
    def remove_fault(fault_id: str) -> Response:
        if not faults.remove(fault_id):
            return json_reply({"error": f"there is no fault {fault_id!r}; it may have been used up"}, 404)
        return Response(status=204)

    @routes.get("/deliveries")
    def deliveries() -> Response:
        return json_reply({"deliveries": [delivery.as_json() for delivery in outbox.deliveries()]})

    @routes.delete("/deliveries")
    def forget_deliveries() -> Response:
        outbox.forget()
        return Response(status=204)

    @routes.post("/reset")
    def start_anew() -> Response:
        reset()
        return Response(status=204)

    return routes


def _fault(given: Any, faults: Faults) -> Fault:  # noqa: ANN401 - whatever JSON came
    fields = Fields(given, _FAULT_FIELDS)
    kind = fields.one_of("fault", (*REPLY_FAULTS, *WEBHOOK_FAULTS))
    named, other = ("event", "path") if kind in WEBHOOK_FAULTS else ("path", "event")
    if other in fields or (named == "event" and "method" in fields):
        raise ControlRefused(f"a {kind} goes by {named}, not by {other} or method")
    method = fields.text("method")
    probability = fields.number("probability", 1.0, most=1)
    seconds = fields.number("seconds", 1.0, most=_LONGEST_SECONDS)
    return faults.add(
        kind,
        matching=fields.text(named, "*") or "*",
        method=method.upper() if method else None,
        count=fields.count("count", 1, least=1),
        probability=1.0 if probability is None else probability,
        seconds=1.0 if seconds is None else seconds,
        after=fields.count("after", None),
    )
