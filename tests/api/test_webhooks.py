"""`client.webhooks`, against the sandbox and the description."""

import json

import pytest
from openapi_schema_validator import OAS31Validator

from clients.chaozcode.client import ChaozCode
from clients.chaozcode.errors import NotFound
from clients.chaozcode.webhooks import EVENT_TYPES, Webhook
from sandbox.sandbox import Sandbox
from tests.api.conftest import Clock, Receiver
from tests.api.descriptions import CHAOZCODE
from tests.api.documents import parameters_of
from tests.api.wire import HeldWire

URL = "https://receiver.example/webhooks/chaozcode"


@pytest.fixture
def webhook(chaozcode: ChaozCode) -> Webhook:
    """Give a webhook with its id, which the reply to its creation need not have."""
    chaozcode.webhooks.create(URL, EVENT_TYPES, secret="whsec_of_the_test")
    return next(listed for listed in chaozcode.webhooks.list() if listed.url == URL)


def id_of(webhook: Webhook) -> str:
    assert webhook.id is not None
    return webhook.id


def test_a_webhook_is_created(chaozcode: ChaozCode, wire: HeldWire) -> None:
    created = chaozcode.webhooks.create(URL, EVENT_TYPES, secret="whsec_of_the_test")
    assert created.url == URL
    assert created.events == EVENT_TYPES
    assert wire.parameters_sent("POST /webhooks") == parameters_of("POST /webhooks")


def test_webhooks_are_listed(chaozcode: ChaozCode, webhook: Webhook) -> None:
    assert id_of(webhook)
    assert webhook.events == EVENT_TYPES
    assert "whsec_of_the_test" not in str(chaozcode.webhooks.list().raw)


def test_a_webhook_is_deleted(
    chaozcode: ChaozCode, webhook: Webhook, sandbox: Sandbox, receiver: Receiver
) -> None:
    chaozcode.webhooks.delete(id_of(webhook))
    assert URL not in [listed.url for listed in chaozcode.webhooks.list()]
    chaozcode.memory.store("m", "content")
    sandbox.outbox.deliver_due()
    assert receiver.bodies == []
    with pytest.raises(NotFound):
        chaozcode.webhooks.delete(id_of(webhook))


def test_a_webhook_is_tested(
    chaozcode: ChaozCode, webhook: Webhook, sandbox: Sandbox, receiver: Receiver
) -> None:
    chaozcode.webhooks.test(id_of(webhook))
    sandbox.outbox.deliver_due()
    assert len(receiver.bodies) == 1
    with pytest.raises(NotFound):
        chaozcode.webhooks.test("wh_unknown")


def test_the_events_that_are_sent_are_as_described(
    chaozcode: ChaozCode, webhook: Webhook, sandbox: Sandbox, receiver: Receiver, clock: Clock
) -> None:
    chaozcode.memory.store("project-update", "c", tags=["project", "update"], importance="high")
    chaozcode.memory.update("project-update", content="d")
    chaozcode.memory.delete("project-update")
    project = chaozcode.projects.create("Website")
    chaozcode.projects.update(project.id or "", settings={"visibility": "private"})
    for prompt in ("Find it", "Please fail"):
        chaozcode.agents.spawn("task", prompt)
    clock.pass_by(3600)
    sandbox.outbox.deliver_due()
    events = [json.loads(body) for body in receiver.bodies]
    assert {event["type"] for event in events} == set(EVENT_TYPES) - {"usage.threshold"}
    assert events[0]["data"] == {
        "memoryId": "project-update",
        "tags": ["project", "update"],
        "importance": "high",
    }
    body = CHAOZCODE.raw["webhooks"]["event"]["post"]["requestBody"]["content"]["application/json"]
    described = OAS31Validator({**body["schema"], "components": CHAOZCODE.raw["components"]})
    for event in events:
        described.validate(event)
