"""The whole sandbox: both APIs, the outbox, faults and the control routes, put together."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

from eventlog.event import KNOWN_TYPES
from sandbox.app import create_app
from sandbox.chucky.desk import Desk
from sandbox.chucky.routes import chucky_routes
from sandbox.control.routes import control_routes
from sandbox.faults import Faults
from sandbox.faulty_door import FaultyDoor
from sandbox.later import Later, Timetable
from sandbox.outbox import Outbox
from sandbox.post import Post, Senders
from sandbox.world import World


def utc_now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """One sandbox, with its state; `application` is its WSGI application."""

    def __init__(
        self,
        world: World,
        *,
        now: Callable[[], datetime] = utc_now,
        chance: random.Random | None = None,
        post: Post | None = None,
        sleep: Callable[[float], None] = time.sleep,
        later: Later | None = None,
    ) -> None:
        """What is not given is real: the clock, chance, the network, pauses, and what happens later."""
        chance = chance or random.SystemRandom()
        self.world = world
        self.faults = Faults(chance)
        self.desk = Desk(now=now, chance=chance)
        self._senders = Senders()
        self._timetable = Timetable()
        self.outbox = Outbox(
            lambda: world.webhooks.all(),  # noqa: PLW0108 - a reset makes other webhooks
            post=post or self._senders,
            now=now,
            chance=chance,
            faults=self.faults,
        )
        self._known_webhook: tuple[str, str | None] | None = None
        self.app = app = create_app(world, self.outbox, later=later or self._timetable)
        app.register_blueprint(chucky_routes(self.desk, sleep=sleep))
        app.register_blueprint(control_routes(self.faults, self.outbox, self.desk, now=now, reset=self.reset))
        self.application = FaultyDoor(app.wsgi_app, self.faults, now=now, chance=chance, sleep=sleep)

    def know_webhook(self, url: str, secret: str | None) -> None:
        """Register a webhook for all documented events, now and after each reset."""
        self._known_webhook = (url, secret)
        self.world.webhooks.create(url, KNOWN_TYPES, secret)

    def start(self) -> None:
        """Send webhooks in the background."""
        self.outbox.start()

    def close(self) -> None:
        """End all threads."""
        self._timetable.close()
        self.outbox.close()
        self._senders.close()

    def reset(self) -> None:
        """Forget all but the fixed keys and the webhook that is known from the start."""
        self.faults.clear()
        self.outbox.forget()
        self.desk.reset()
        self.world.reset()
        if self._known_webhook is not None:
            url, secret = self._known_webhook
            self.world.webhooks.create(url, KNOWN_TYPES, secret)
