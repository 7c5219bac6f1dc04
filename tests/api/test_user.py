"""`client.user`, against the sandbox and the description."""

import pytest

from clients.chaozcode.api_keys import KEY_TYPES
from clients.chaozcode.client import ChaozCode
from clients.chaozcode.errors import NotFound, Unauthorized
from tests.api.wire import HeldWire


def test_the_profile_is_got(chaozcode: ChaozCode) -> None:
    me = chaozcode.user.me()
    assert me.id
    assert me.email
    assert me.name
    assert me.plan in {"free", "pro", "team", "enterprise"}
    assert me.usage is not None
    assert me.usage.api_calls is not None
    assert me.usage.reset_at is not None
    assert me.created_at is not None


def test_the_profile_is_updated(chaozcode: ChaozCode) -> None:
    chaozcode.user.update(name="Joan Developer", email="joan@example.com")
    me = chaozcode.user.me()
    assert (me.name, me.email) == ("Joan Developer", "joan@example.com")


def test_the_usage_is_got(chaozcode: ChaozCode) -> None:
    before = chaozcode.user.usage().api_calls
    chaozcode.models.list()
    after = chaozcode.user.usage().api_calls
    assert before is not None
    assert after is not None
    assert after > before


def test_the_keys_are_listed_masked(chaozcode: ChaozCode, key: str) -> None:
    keys = chaozcode.user.api_keys.list()
    assert set(KEY_TYPES) <= {listed.type for listed in keys}
    assert key not in str(keys.raw)


@pytest.mark.parametrize("kind", KEY_TYPES)
def test_a_key_is_created(chaozcode: ChaozCode, wire: HeldWire, kind: str) -> None:
    created = chaozcode.user.api_keys.create(name="For the CI", type=kind)
    assert created.id
    assert created.type == kind
    assert created.key is not None
    with ChaozCode(created.key, transport=wire) as other:
        assert other.models.list()


def test_a_key_is_revoked(chaozcode: ChaozCode, wire: HeldWire) -> None:
    created = chaozcode.user.api_keys.create(name="For the CI", type="development")
    assert created.id is not None
    assert created.key is not None
    chaozcode.user.api_keys.revoke(created.id)
    with ChaozCode(created.key, transport=wire) as other, pytest.raises(Unauthorized):
        other.models.list()
    with pytest.raises(NotFound):
        chaozcode.user.api_keys.revoke(created.id)
