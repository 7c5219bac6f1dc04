"""The sandbox as a Flask application: where its sides meet."""

from typing import Final

from flask import Blueprint, Flask
from flask.json.provider import DefaultJSONProvider

from sandbox.chaozcode import agents, codebase, memory, projects, query, user, webhooks
from sandbox.chaozcode.door import HEALTH, PREFIX, Outbox, install_door
from sandbox.chaozcode.error_replies import install_error_replies
from sandbox.later import Later, Timetable
from sandbox.world import World

_LARGEST_BODY_BYTES: Final = 64 * 1024 * 1024


def create_app(world: World, outbox: Outbox, *, later: Later | None = None) -> Flask:
    """Build the application with ChaozCode's API under /v2, over this state; other sides are added to it.

    `outbox` sends the webhooks of what is done; `later` lets agents end (a thread of its own by default).
    """
    app = Flask("sandbox", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY_BYTES
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # A memory's id may hold slashes, two in a row too.
    app.url_map.merge_slashes = False
    if isinstance(app.json, DefaultJSONProvider):
        # Replies read as in the reference, field by field.
        app.json.sort_keys = False
        app.json.ensure_ascii = False
    install_error_replies(app)
    install_door(app, world, outbox)
    for group in (
        query.endpoints(world),
        memory.endpoints(world, outbox),
        codebase.endpoints(),
        agents.endpoints(world, outbox, later or Timetable()),
        projects.endpoints(world, outbox),
        user.endpoints(world),
        webhooks.endpoints(world, outbox),
        _health(),
    ):
        app.register_blueprint(group, url_prefix=PREFIX)
    return app


def _health() -> Blueprint:
    group = Blueprint("health", __name__)

    @group.get(HEALTH)
    def health() -> dict[str, str]:
        return {"status": "ok"}

    return group
