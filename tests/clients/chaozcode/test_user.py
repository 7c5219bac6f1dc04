from datetime import UTC, datetime

import pytest

from clients.chaozcode.user import CallUsage, Profile
from clients.errors import InvalidCall
from tests.clients.chaozcode.one_reply import OneReply

USAGE = {"apiCalls": 4523, "limit": 10000, "resetAt": "2026-02-01T00:00:00Z"}
PROFILE = {
    "id": "user_abc123",
    "email": "developer@example.com",
    "name": "Jane Developer",
    "plan": "pro",
    "usage": USAGE,
    "createdAt": "2025-06-15T10:00:00Z",
}


def test_the_profile_is_read(api: OneReply) -> None:
    api.json = PROFILE

    profile = api.client.user.me()

    assert api.asked == ("GET", "/v2/user/me")
    assert profile == Profile(
        raw=PROFILE,
        id="user_abc123",
        email="developer@example.com",
        name="Jane Developer",
        plan="pro",
        usage=CallUsage(raw=USAGE, api_calls=4523, limit=10000, reset_at=datetime(2026, 2, 1, tzinfo=UTC)),
        created_at=datetime(2025, 6, 15, 10, tzinfo=UTC),
    )


def test_the_profile_is_changed_with_undocumented_fields_too(api: OneReply) -> None:
    api.json = {"user": PROFILE}

    profile = api.client.user.update(name="Jane", fields={"timezone": "UTC", "name": "ignored"})

    assert api.asked == ("PATCH", "/v2/user/me")
    assert api.body == {"name": "Jane", "timezone": "UTC"}
    assert profile.email == "developer@example.com"


def test_a_change_of_nothing_is_not_sent(api: OneReply) -> None:
    with pytest.raises(InvalidCall, match="give at least one of name, email and fields"):
        api.client.user.update()


@pytest.mark.parametrize("reply", [USAGE, {"usage": USAGE}, {"data": USAGE, "byEndpoint": {"/query": 3}}])
def test_usage_is_read_whether_it_is_wrapped_or_not(api: OneReply, reply: dict[str, object]) -> None:
    api.json = reply

    usage = api.client.user.usage()

    assert api.asked == ("GET", "/v2/user/usage")
    assert (usage.api_calls, usage.limit) == (4523, 10000)
    assert usage.raw == reply
