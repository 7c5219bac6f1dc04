import json
import threading
from collections.abc import Callable
from random import Random

import pytest

from receiver.signature import verify
from sandbox.delivery import MOST_TRIES
from sandbox.faults import Faults
from sandbox.outbox import TEST_TYPE, Outbox
from sandbox.sender import NoReply, Reply
from sandbox.webhook import Webhook
from tests.sandbox.hand_clock import HandClock
from tests.servers.waiting import wait_until

SECRET = b"whsec_of_the_test"


class Receiver:
    """Stands in for the network: notes what is posted, and answers as told."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, bytes, bool]] = []
        self.answer: Callable[[], Reply | NoReply] = lambda: Reply(status=202, body=b"", seconds=0.001)

    def __call__(self, url: str, secret: bytes, body: bytes) -> Reply | NoReply:
        from receiver.signature import sign  # noqa: PLC0415 - beside what it is compared with

        self.posts.append((url, body, verify(body, sign(body, secret), [SECRET])))
        return self.answer()

    def ids(self) -> list[str]:
        return [json.loads(body)["id"] for _, body, _ in self.posts]


class Stage:
    def __init__(self) -> None:
        self.clock = HandClock()
        self.receiver = Receiver()
        self.faults = Faults(Random(1))
        self.hooks = [self.hook("wh_1", "memory.stored", "memory.deleted")]
        self.outbox = Outbox(
            lambda: self.hooks,
            post=self.receiver,
            now=self.clock,
            chance=Random(1),
            faults=self.faults,
        )

    def hook(self, hook_id: str, *events: str) -> Webhook:
        return Webhook(
            id=hook_id,
            url=f"http://127.0.0.1/{hook_id}",
            events=events,
            secret=SECRET.decode(),
            created_at=self.clock(),
        )

    def states(self) -> list[str]:
        return [delivery.state for delivery in self.outbox.deliveries()]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_an_event_is_sent_signed_to_whoever_subscribes_to_it(stage: Stage) -> None:
    stage.hooks.append(stage.hook("wh_2", "agent.failed"))
    event_id = stage.outbox.emit("memory.stored", {"memoryId": "m1"})
    assert stage.outbox.deliver_due() == 1
    ((url, body, is_signed),) = stage.receiver.posts
    assert (url, is_signed) == ("http://127.0.0.1/wh_1", True)
    assert json.loads(body) == {
        "id": event_id,
        "type": "memory.stored",
        "createdAt": "2026-01-14T12:30:00Z",
        "data": {"memoryId": "m1"},
    }
    (delivery,) = stage.outbox.deliveries()
    assert delivery.as_json() == {
        "eventId": event_id,
        "type": "memory.stored",
        "webhookId": "wh_1",
        "url": "http://127.0.0.1/wh_1",
        "state": "delivered",
        "attempts": [
            {"at": "2026-01-14T12:30:00+00:00", "status": 202, "reason": None, "seconds": 0.001},
        ],
        "nextAttemptAt": None,
    }


def test_a_test_event_goes_to_one_webhook_whatever_it_subscribes_to(stage: Stage) -> None:
    stage.hooks.append(stage.hook("wh_2"))
    stage.outbox.test(stage.hooks[1])
    stage.outbox.deliver_due()
    ((url, body, _),) = stage.receiver.posts
    assert url.endswith("wh_2")
    assert json.loads(body)["type"] == TEST_TYPE


def test_what_is_not_taken_is_sent_again_later_each_time_until_it_is(stage: Stage) -> None:
    stage.receiver.answer = lambda: Reply(status=503, body=b"", seconds=0)
    stage.outbox.emit("memory.stored", {})
    stage.outbox.deliver_due()
    assert stage.outbox.deliver_due() == 0  # not at once
    stage.clock.advance(seconds=1)
    assert stage.outbox.deliver_due() == 1
    stage.clock.advance(seconds=0.9)
    assert stage.outbox.deliver_due() == 0  # the second pause is longer
    stage.clock.advance(seconds=1.1)
    stage.receiver.answer = lambda: Reply(status=200, body=b"", seconds=0)
    assert stage.outbox.deliver_due() == 1
    (delivery,) = stage.outbox.deliveries()
    assert [attempt.status for attempt in delivery.attempts] == [503, 503, 200]
    assert delivery.state == "delivered"
    assert len({body for _, body, _ in stage.receiver.posts}) == 1


def test_it_gives_up_after_so_many_tries_and_says_why_each_failed(stage: Stage) -> None:
    stage.receiver.answer = lambda: NoReply(reason="connection refused", is_refused=True, seconds=0)
    stage.outbox.emit("memory.stored", {})
    for _ in range(MOST_TRIES + 3):
        stage.outbox.deliver_due()
        stage.clock.advance(minutes=2)
    (delivery,) = stage.outbox.deliveries()
    assert delivery.state == "failed"
    assert [(attempt.status, attempt.reason) for attempt in delivery.attempts] == [
        (None, "connection refused")
    ] * MOST_TRIES


def test_a_redirect_is_no_success(stage: Stage) -> None:
    stage.receiver.answer = lambda: Reply(status=302, body=b"", seconds=0)
    stage.outbox.emit("memory.stored", {})
    stage.outbox.deliver_due()
    assert stage.states() == ["waiting"]


def test_nothing_more_is_sent_to_a_webhook_that_was_deleted(stage: Stage) -> None:
    stage.outbox.emit("memory.stored", {})
    stage.hooks.clear()
    stage.outbox.deliver_due()
    assert stage.receiver.posts == []
    assert stage.states() == ["cancelled"]


def test_events_arrive_in_order(stage: Stage) -> None:
    sent = [stage.outbox.emit("memory.stored", {"n": n}) for n in range(20)]
    stage.outbox.deliver_due()
    assert stage.receiver.ids() == sent


def test_a_duplicate_is_the_same_bytes_twice(stage: Stage) -> None:
    stage.faults.add("duplicate", matching="memory.*")
    stage.outbox.emit("memory.stored", {})
    stage.outbox.emit("memory.stored", {})
    stage.outbox.deliver_due()
    bodies = [body for _, body, _ in stage.receiver.posts]
    assert bodies[0] == bodies[1]
    assert len(bodies) == 3


def test_a_reordered_event_is_overtaken(stage: Stage) -> None:
    stage.faults.add("reorder", matching="memory.stored", seconds=5)
    first = stage.outbox.emit("memory.stored", {})
    second = stage.outbox.emit("memory.deleted", {})
    stage.outbox.deliver_due()
    assert stage.receiver.ids() == [second]
    stage.clock.advance(seconds=5)
    stage.outbox.deliver_due()
    assert stage.receiver.ids() == [second, first]


def test_a_bad_signature_is_put_right_with_the_next_try(stage: Stage) -> None:
    stage.faults.add("bad_signature")
    stage.receiver.answer = lambda: Reply(
        status=202 if stage.receiver.posts[-1][2] else 401, body=b"", seconds=0
    )
    stage.outbox.emit("memory.stored", {})
    stage.outbox.deliver_due()
    stage.clock.advance(seconds=1)
    stage.outbox.deliver_due()
    assert [is_signed for _, _, is_signed in stage.receiver.posts] == [False, True]
    assert stage.states() == ["delivered"]


def test_a_transport_that_breaks_counts_as_a_failed_try(stage: Stage) -> None:
    def break_down() -> Reply:
        raise ZeroDivisionError

    stage.receiver.answer = break_down
    stage.outbox.emit("memory.stored", {})
    stage.outbox.deliver_due()
    (delivery,) = stage.outbox.deliveries()
    assert delivery.state == "waiting"
    assert delivery.attempts[0].reason == "ZeroDivisionError in the sandbox"


def test_the_list_is_bounded_and_what_waits_stays_in_it(stage: Stage) -> None:
    stage.hooks[0] = stage.hook("wh_1", "memory.stored")
    stage.hooks.append(stage.hook("wh_2", "memory.stored"))
    stage.receiver.answer = lambda: Reply(
        status=500 if stage.receiver.posts[-1][0].endswith("wh_2") else 200, body=b"", seconds=0
    )
    for _ in range(1_100):
        stage.outbox.emit("memory.stored", {})
    stage.outbox.deliver_due()
    assert stage.states().count("delivered") == 1_000
    assert stage.states().count("waiting") == 1_100


def test_forgotten_deliveries_are_not_sent(stage: Stage) -> None:
    stage.outbox.emit("memory.stored", {})
    stage.outbox.forget()
    assert stage.outbox.deliver_due() == 0
    assert stage.outbox.deliveries() == []


def test_started_it_sends_in_the_background_and_ends_its_threads(stage: Stage) -> None:
    at_once = threading.Barrier(2)

    def meet() -> Reply:
        at_once.wait(10)  # passed by two at once only
        return Reply(status=202, body=b"", seconds=0)

    stage.hooks.append(stage.hook("wh_2", "memory.stored"))
    stage.receiver.answer = meet
    stage.outbox.start()
    stage.outbox.emit("memory.stored", {})
    wait_until(lambda: stage.states() == ["delivered"] * 2, 20)
    stage.outbox.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("outbox-")]
    stage.outbox.emit("memory.stored", {})
    assert stage.states()[2:] == ["waiting"] * 2


def test_one_slow_webhook_gets_one_event_at_a_time_and_holds_up_no_other(stage: Stage) -> None:
    go = threading.Event()
    stage.hooks.append(stage.hook("wh_2", "memory.stored"))

    def answer() -> Reply:
        if stage.receiver.posts[-1][0].endswith("wh_1"):
            go.wait(20)
        return Reply(status=202, body=b"", seconds=0)

    stage.receiver.answer = answer
    stage.outbox.start()
    try:
        for _ in range(10):
            stage.outbox.emit("memory.deleted", {})  # wh_1 alone
        stage.outbox.emit("memory.stored", {})
        wait_until(lambda: any(url.endswith("wh_2") for url, _, _ in list(stage.receiver.posts)), 20)
        assert len([url for url, _, _ in stage.receiver.posts if url.endswith("wh_1")]) == 1
    finally:
        go.set()
        stage.outbox.close()
