"""Webhooks on their way: signed, sent in the background, sent again when they were not taken, and listed."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

import structlog

from sandbox.delivery import MOST_TRIES, Attempt, Delivery, State, pause_before_retry
from sandbox.faults import Faults
from sandbox.post import Post
from sandbox.samples import event_body, new_event_id
from sandbox.sender import Reply
from sandbox.waiting_line import WaitingLine
from sandbox.webhook import Webhook

TEST_TYPE: Final = "webhook.test"
"""The documentation names no type for `POST /webhooks/{webhookId}/test`."""

_MOST_AT_ONCE: Final = 4
_KEPT: Final = 1_000
_MOST_WAITING: Final = 10_000
_LOOK_AT_LEAST_EVERY_SECONDS: Final = 0.5
_STOP_SECONDS: Final = 5.0


class Outbox:
    """Sends events to webhooks: in the background once started, else when `deliver_due` is called."""

    def __init__(
        self,
        webhooks: Callable[[], Iterable[Webhook]],
        *,
        post: Post,
        now: Callable[[], datetime],
        chance: Random,
        faults: Faults | None = None,
    ) -> None:
        """`webhooks` gives those registered now; it is called from any thread, and within `emit`."""
        self._webhooks = webhooks
        self._post = post
        self._now = now
        self._chance = chance
        self._faults = faults or Faults(chance)
        self._turn = threading.Condition()
        self._line = WaitingLine()
        self._deliveries: dict[int, Delivery] = {}
        self._finished: deque[int] = deque()
        self._number = 0
        self._closing = False
        self._threads: list[threading.Thread] = []
        self._log = structlog.get_logger("sandbox")

    def start(self) -> None:
        """Send in the background from now on."""
        self._threads = [
            threading.Thread(target=self._work, name=f"outbox-{place}", daemon=True)
            for place in range(_MOST_AT_ONCE)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the threads; what is still waiting is not sent."""
        with self._turn:
            self._closing = True
            self._turn.notify_all()
        for thread in self._threads:
            thread.join(_STOP_SECONDS)
        self._threads = []

    def emit(self, event_type: str, data: Mapping[str, Any]) -> str:
        """Send an event to all webhooks that subscribe to its type; gives its id."""
        return self._add(event_type, data, [hook for hook in self._webhooks() if event_type in hook.events])

    def test(self, webhook: Webhook) -> str:
        """Send a test event to one webhook, whatever it subscribes to; gives the event's id."""
        data = {"webhookId": webhook.id, "message": "A test event, to verify the webhook's configuration."}
        return self._add(TEST_TYPE, data, [webhook])

    def deliveries(self) -> list[Delivery]:
        """Give the deliveries that wait and the last that ended, oldest first."""
        with self._turn:
            return list(self._deliveries.values())

    def forget(self) -> None:
        """Forget all deliveries, those that wait too."""
        with self._turn:
            self._line.clear()
            self._deliveries.clear()
            self._finished.clear()

    def deliver_due(self) -> int:
        """Make the attempts that are due now, in this thread; gives how many there were."""
        made = 0
        while (delivery := self._take()) is not None:
            self._attempt(delivery)
            made += 1
        return made

    def _add(self, event_type: str, data: Mapping[str, Any], webhooks: Iterable[Webhook]) -> str:
        now = self._now()
        with self._turn:
            event_id = new_event_id(self._chance)
        body = event_body(event_type, event_id=event_id, created_at=now, data=json.dumps(data))
        for webhook in webhooks:
            is_doubled = self._faults.draw(("duplicate",), event_type) is not None
            reorder = self._faults.draw(("reorder",), event_type)
            held_back = timedelta(seconds=reorder.seconds if reorder else 0)
            with self._turn:
                for _ in range(2 if is_doubled else 1):
                    self._number += 1
                    delivery = Delivery(
                        number=self._number,
                        event_id=event_id,
                        type=event_type,
                        webhook_id=webhook.id,
                        url=webhook.url,
                        body=body,
                        due_at=now + held_back,
                    )
                    self._deliveries[delivery.number] = delivery
                    if len(self._deliveries) - len(self._finished) > _MOST_WAITING:
                        self._end(delivery, "failed")
                        self._log.warning("webhook_given_up", event_id=event_id, reason="too many wait")
                    else:
                        self._line.add(delivery)
                self._turn.notify()
        return event_id

    def _work(self) -> None:
        while True:
            with self._turn:
                while (delivery := self._take()) is None and not self._closing:
                    self._turn.wait(self._seconds_to_wait())
                if delivery is None or self._closing:
                    return
            self._attempt(delivery)

    def _seconds_to_wait(self) -> float:
        # Never for long: the clock that is passed in may be set.
        due = self._line.next_due()
        seconds = (due - self._now()).total_seconds() if due else _LOOK_AT_LEAST_EVERY_SECONDS
        return min(max(seconds, 0.0), _LOOK_AT_LEAST_EVERY_SECONDS)

    def _take(self) -> Delivery | None:
        with self._turn:
            number = self._line.take(self._now())
            return None if number is None else self._deliveries[number]

    def _attempt(self, delivery: Delivery) -> None:
        try:
            webhook = next((hook for hook in self._webhooks() if hook.id == delivery.webhook_id), None)
            if webhook is None:
                self._note(delivery, None)
                return
            at = self._now()
            secret = webhook.secret.encode()
            if self._faults.draw(("bad_signature",), delivery.type) is not None:
                secret += b" (wrong, as a fault was set)"
            reply = self._post(webhook.url, secret, delivery.body)
            status = reply.status if isinstance(reply, Reply) else None
            reason = None if isinstance(reply, Reply) else reply.reason
            self._note(delivery, Attempt(at=at, status=status, reason=reason, seconds=reply.seconds))
        except Exception as error:  # noqa: BLE001 - see below
            # A thread that ended would leave its webhook without any further event.
            self._log.exception("webhook_attempt_broke", event_id=delivery.event_id)
            reason = f"{type(error).__name__} in the sandbox"
            self._note(delivery, Attempt(at=self._now(), status=None, reason=reason, seconds=0.0))

    def _note(self, delivery: Delivery, attempt: Attempt | None) -> None:
        with self._turn:
            self._line.free(delivery.webhook_id)
            if delivery.number not in self._deliveries:
                return
            if attempt is None:
                self._end(delivery, "cancelled")
                return
            tried = replace(delivery, attempts=(*delivery.attempts, attempt))
            if attempt.is_taken:
                self._end(tried, "delivered")
            elif len(tried.attempts) >= MOST_TRIES:
                self._end(tried, "failed")
            else:
                pause = pause_before_retry(len(tried.attempts), self._chance)
                tried = replace(tried, due_at=self._now() + pause)
                self._deliveries[tried.number] = tried
                self._line.add(tried)
        self._tell(self._deliveries.get(delivery.number, tried), attempt)

    def _end(self, delivery: Delivery, state: State) -> None:
        self._deliveries[delivery.number] = replace(delivery, state=state, due_at=None)
        self._finished.append(delivery.number)
        while len(self._finished) > _KEPT:
            self._deliveries.pop(self._finished.popleft(), None)

    def _tell(self, delivery: Delivery, attempt: Attempt) -> None:
        tell = self._log.info if attempt.is_taken else self._log.warning
        tell(
            "webhook_sent",
            event_id=delivery.event_id,
            type=delivery.type,
            status=attempt.status,
            **({} if attempt.reason is None else {"reason": attempt.reason}),
            attempt=len(delivery.attempts),
            state=delivery.state,
            milliseconds=round(attempt.seconds * 1000, 1),
        )
