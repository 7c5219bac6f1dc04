from typing import Any

import pytest

from clients.errors import InvalidCall
from tests.clients.chaozcode.one_reply import OneReply

URL = "https://hooks.example.com/webhooks/chaozcode"
WEBHOOK = {"id": "wh_1", "url": URL, "events": ["memory.stored"], "secret": "tell-nobody"}


@pytest.mark.parametrize("reply", [[WEBHOOK], {"webhooks": [WEBHOOK]}, {"data": {"webhooks": [WEBHOOK]}}])
def test_webhooks_are_listed_and_no_secret_is_shown(api: OneReply, reply: Any) -> None:
    api.json = reply

    webhooks = api.client.webhooks.list()

    assert api.asked == ("GET", "/v2/webhooks")
    assert (webhooks[0].id, webhooks[0].url, webhooks[0].events) == ("wh_1", URL, ("memory.stored",))
    assert webhooks[0].secret == "tell-nobody"
    assert "tell-nobody" not in repr(webhooks)


@pytest.mark.parametrize(
    ("reply", "webhook_id"),
    [
        (b'{"id": "wh_1"}', "wh_1"),
        (b'{"webhookId": "wh_1"}', "wh_1"),
        (b'{"webhook": {"id": "wh_1"}}', "wh_1"),
        (b'{"ok": true}', None),
        (b"", None),
    ],
)
def test_a_webhook_is_made_whether_its_id_is_told_or_not(
    api: OneReply, reply: bytes, webhook_id: str | None
) -> None:
    api.status = 201
    api.content = reply

    webhook = api.client.webhooks.create(URL, ("memory.stored", "agent.failed"), secret="tell-nobody")

    assert api.asked == ("POST", "/v2/webhooks")
    assert api.body == {"url": URL, "events": ["memory.stored", "agent.failed"], "secret": "tell-nobody"}
    assert webhook.id == webhook_id


def test_a_webhook_is_deleted(api: OneReply) -> None:
    api.client.webhooks.delete("wh_1")

    assert api.asked == ("DELETE", "/v2/webhooks/wh_1")


def test_a_test_event_is_asked_for(api: OneReply) -> None:
    api.status = 202
    api.json = {"ok": True, "eventId": "evt_1"}

    sent = api.client.webhooks.test("wh/1")

    assert api.asked == ("POST", "/v2/webhooks/wh%2F1/test")
    assert (sent.ok, sent.raw["eventId"]) == (True, "evt_1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": ""}, "url must not be empty"),
        ({"url": "http://hooks.example.com/x"}, "url must start with https://"),
        ({"url": "http://localhost:8000/x"}, "url must start with https://"),
        ({"url": "hooks.example.com/x"}, "url must name a host, as https://example.com"),
        ({"url": "https:///x"}, "url must name a host"),
        ({"url": "ftp://hooks.example.com/x"}, "url must start with https://, as ChaozCode calls no other"),
        ({"url": "https://hooks.example.com/a b"}, "url must not hold spaces or control characters"),
        ({"url": "https://hooks.example.com/\n"}, "url must not hold spaces or control characters"),
        ({"url": "https://hooks.example.com:no/"}, "url is not a URL"),
        ({"url": "https://[::1/"}, "url is not a URL"),
        ({"events": ()}, "events must have at least one element"),
        ({"events": "memory.stored"}, "events must be a list of texts, but it is of type str"),
        ({"events": ["memory.store"]}, "but it is 'memory.store'; did you mean 'memory.stored'?"),
        ({"events": ["memory.*"]}, "each of events must be one of memory.stored, memory.updated,"),
        ({"secret": ""}, "secret must not be empty"),
    ],
)
def test_what_breaks_a_limit_is_not_sent(api: OneReply, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidCall) as raised:
        api.client.webhooks.create(**{"url": URL, "events": ["memory.stored"], **options})

    assert message in str(raised.value)
    assert not api.requests


def test_a_refused_url_is_not_repeated_as_it_may_hold_a_password(api: OneReply) -> None:
    for url in (
        "http://jane:tell-nobody@example.com/",
        "https://jane:tell-nobody@[::1",
        "https://tell-nobody:x/",
    ):
        with pytest.raises(InvalidCall) as raised:
            api.client.webhooks.create(url, ["memory.stored"])

        assert "tell-nobody" not in str(raised.value)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "127.8.8.8", "LOCALHOST"])
def test_where_the_api_is_called_by_plain_http_so_may_this_machine_be(api: OneReply, host: str) -> None:
    api.base_url = "http://127.0.0.1:8010/v2"

    api.client.webhooks.create(f"http://{host}/webhooks/chaozcode", ["memory.stored"])

    assert api.asked == ("POST", "/v2/webhooks")


@pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "localhost.example.com", "169.254.169.254"])
def test_no_other_machine_may_be_called_by_plain_http(api: OneReply, host: str) -> None:
    api.base_url = "http://127.0.0.1:8010/v2"

    with pytest.raises(InvalidCall, match="url must start with https://"):
        api.client.webhooks.create(f"http://{host}/webhooks/chaozcode", ["memory.stored"])
