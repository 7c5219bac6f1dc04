"""The sandbox's own routes for Chucky: scripted replies, budgets, tokens."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from flask import Blueprint, Response, request

from sandbox.chucky.budget import WINDOWS, Budgets
from sandbox.chucky.desk import Desk
from sandbox.chucky.script import SUCCESS, Scripted
from sandbox.chucky.token import make_token
from sandbox.control.posted import ControlRefused, Fields, json_reply, read_json

_LONGEST_SECONDS: Final = 3600.0
_LONGEST_TOKEN_SECONDS: Final = 10 * 365 * 86400
_REPLY_FIELDS: Final = ("text", "match", "times", "subtype", "seconds", "cost_usd", "pieces")
_BUDGET_FIELDS: Final = {
    "window": "window",
    "ai": "ai_microdollars",
    "compute": "compute_seconds",
    "max": "most_at_once",
    "planSeconds": "developer_plan_seconds",
    "poolSeconds": "developer_pool_seconds",
}
"""As Chucky's replies call them, and as `Budgets` does."""


def chucky_control(desk: Desk, *, now: Callable[[], datetime]) -> Blueprint:
    """Give the routes."""
    routes = Blueprint("chucky_control", __name__, url_prefix="/chucky")

    @routes.get("/replies")
    def replies() -> Response:
        return json_reply({"replies": [reply.as_json() for reply in desk.replies()]})

    @routes.post("/replies")
    def script_replies() -> Response:
        given = read_json(request.get_data())
        scripted = [_scripted(each) for each in (given if isinstance(given, list) else [given])]
        desk.add_replies(scripted)
        return json_reply({"replies": [reply.as_json() for reply in desk.replies()]}, 201)

    @routes.delete("/replies")
    def clear_replies() -> Response:
        desk.clear_replies()
        return Response(status=204)

    @routes.get("/budget")
    def budget() -> Response:
        return json_reply(_budget_json(desk.budgets))

    @routes.post("/budget")
    def set_budget() -> Response:
        desk.set_budgets(_budgets(read_json(request.get_data()), desk.budgets))
        return json_reply(_budget_json(desk.budgets))

    @routes.post("/tokens")
    def new_token() -> Response:
        fields = Fields(read_json(request.get_data()), ("sub", "iss", "seconds"))
        seconds = fields.number("seconds", _LONGEST_SECONDS, most=_LONGEST_TOKEN_SECONDS) or 0.0
        token = make_token(
            fields.text("sub", "demo-user") or "",
            issuer_id=fields.text("iss", "sandbox") or "",
            expires_at=now() + timedelta(seconds=seconds),
        )
        return json_reply({"token": token}, 201)

    return routes


def _scripted(given: Any) -> Scripted:  # noqa: ANN401 - whatever JSON came
    fields = Fields(given, _REPLY_FIELDS)
    text, pieces = fields.text("text"), fields.texts("pieces")
    if text is None and not pieces:
        raise ControlRefused("text must be given: what Chucky is to answer")
    return Scripted(
        text="".join(pieces) if text is None else text,
        match=fields.text("match"),
        left=fields.count("times", 1, least=1),
        subtype=fields.text("subtype", SUCCESS) or SUCCESS,
        seconds=fields.number("seconds", 0.0, most=_LONGEST_SECONDS) or 0.0,
        cost_usd=fields.number("cost_usd", None, most=1_000_000),
        pieces=pieces,
    )


def _budgets(given: Any, before: Budgets) -> Budgets:  # noqa: ANN401 - whatever JSON came
    fields = Fields(given, tuple(_BUDGET_FIELDS))
    return Budgets(
        window=fields.one_of("window", WINDOWS, before.window),
        ai_microdollars=fields.whole("ai", before.ai_microdollars),
        compute_seconds=fields.whole("compute", before.compute_seconds),
        most_at_once=fields.whole("max", before.most_at_once),
        developer_plan_seconds=fields.whole("planSeconds", before.developer_plan_seconds),
        developer_pool_seconds=fields.whole("poolSeconds", before.developer_pool_seconds),
    )


def _budget_json(budgets: Budgets) -> dict[str, Any]:
    return {shown: getattr(budgets, name) for shown, name in _BUDGET_FIELDS.items()}
