import httpx2
import pytest

from clients.chaozcode.client import ChaozCode
from clients.errors import InvalidCall
from tests.clients.chaozcode.one_reply import KEY, OneReply


def test_the_key_is_in_no_repr(api: OneReply) -> None:
    client = api.client

    groups = (client.query, client.memory, client.user, client.user.api_keys, client.webhooks)
    assert repr(client) == "<ChaozCode at https://api.chaozcode.com/v2>"
    assert not [shown for shown in map(repr, groups) if KEY in shown]


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "schlüssel"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(InvalidCall) as raised:
        ChaozCode(key)

    assert str(raised.value).startswith("the API key must be one word of ASCII characters")
    assert not key or key not in str(raised.value)


def test_a_base_url_may_end_with_a_slash(api: OneReply) -> None:
    api.base_url = "http://127.0.0.1:8010/v2/"

    api.client.models.list()

    assert str(api.requests[0].url) == "http://127.0.0.1:8010/v2/models"


def test_the_figures_of_the_last_reply_can_be_read(api: OneReply) -> None:
    api.headers = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "45"}
    client = api.client

    assert client.rate_limit is None
    client.models.list()

    assert client.rate_limit is not None
    assert (client.rate_limit.limit, client.rate_limit.remaining) == (60, 45)


def test_its_connections_are_closed_at_the_end_of_a_with_block() -> None:
    closed = []

    class Transport(httpx2.BaseTransport):
        def close(self) -> None:
            closed.append(self)

    with ChaozCode(KEY, transport=Transport()) as client:
        assert not closed

    assert isinstance(client, ChaozCode)
    assert len(closed) == 1
