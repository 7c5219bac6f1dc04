import pytest

from clients.errors import InvalidCall
from tests.clients.chaozcode.one_reply import OneReply


def test_keys_are_listed(api: OneReply) -> None:
    api.json = {
        "apiKeys": [{"id": "key_1", "name": "CI", "type": "readonly", "key": "cc_live_****"}],
        "of": [],
    }

    (key,) = api.client.user.api_keys.list()

    assert api.asked == ("GET", "/v2/user/api-keys")
    assert (key.id, key.name, key.type, key.key) == ("key_1", "CI", "readonly", "cc_live_****")


@pytest.mark.parametrize("name", ["key", "apiKey", "value", "token", "secret"])
def test_a_made_key_is_had_under_whatever_name_it_comes_but_never_shown(api: OneReply, name: str) -> None:
    api.status = 201
    api.json = {"id": "key_1", name: "cc_live_tell_nobody"}

    key = api.client.user.api_keys.create(name="CI", type="readonly", fields={"expiresIn": 30})

    assert api.asked == ("POST", "/v2/user/api-keys")
    assert api.body == {"name": "CI", "type": "readonly", "expiresIn": 30}
    assert (key.id, key.key) == ("key_1", "cc_live_tell_nobody")
    assert "tell_nobody" not in f"{key!r} {key}"


def test_a_made_key_that_comes_as_an_object_is_had_too(api: OneReply) -> None:
    api.json = {"key": {"id": "key_1", "value": "cc_live_tell_nobody"}}

    key = api.client.user.api_keys.create()

    assert (key.id, key.key) == ("key_1", "cc_live_tell_nobody")


def test_a_key_is_revoked(api: OneReply) -> None:
    api.client.user.api_keys.revoke("key 1")

    assert api.asked == ("DELETE", "/v2/user/api-keys/key%201")


def test_an_unknown_type_of_key_is_refused(api: OneReply) -> None:
    with pytest.raises(
        InvalidCall, match="type must be one of development, production, readonly, restricted"
    ):
        api.client.user.api_keys.create(type="read-only")
    with pytest.raises(InvalidCall, match="key_id must not be empty"):
        api.client.user.api_keys.revoke("")

    assert not api.requests
