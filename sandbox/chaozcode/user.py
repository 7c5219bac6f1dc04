"""User Endpoints: the profile, its usage, and API keys."""

from typing import Any

from flask import Blueprint, g
from msgspec import UNSET, UnsetType

from sandbox.chaozcode.parameters import Changes
from sandbox.chaozcode.refusal import not_valid
from sandbox.chaozcode.request_body import read_body
from sandbox.keys import ApiKey, KeyType
from sandbox.state.account import Usage, User
from sandbox.state.ground import timestamp
from sandbox.world import World


class Update(Changes, frozen=True):
    """What PATCH /user/me may change; not documented."""

    name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET


class NewKey(Changes, frozen=True):
    """What POST /user/api-keys takes; not documented. `endpoints` are those of a restricted key."""

    name: str = "API key"
    type: KeyType = "development"
    endpoints: tuple[str, ...] = ()


def endpoints(world: World) -> Blueprint:
    """Give the group's routes."""
    group = Blueprint("user", __name__)

    @group.get("/user/me")
    def me() -> dict[str, Any]:
        return _profile(world.account.user(), world.account.usage())

    @group.patch("/user/me")
    def update() -> dict[str, Any]:
        return _profile(world.account.update(read_body(Update).given()), world.account.usage())

    @group.get("/user/usage")
    def usage() -> dict[str, Any]:
        used = world.account.usage()
        return _summary(used) | {
            "periodStart": timestamp(used.since),
            "byEndpoint": dict(sorted(used.by_endpoint.items())),
        }

    @group.get("/user/api-keys")
    def list_keys() -> dict[str, Any]:
        return {"apiKeys": [_masked(key) for key in world.keys.all()]}

    @group.post("/user/api-keys")
    def create_key() -> tuple[dict[str, Any], int]:
        asked = read_body(NewKey, may_be_absent=True)
        if asked.endpoints and asked.type != "restricted":
            raise not_valid("endpoints", "only a restricted key is for specific endpoints")
        key, text = world.keys.create(name=asked.name, kind=asked.type, endpoints=asked.endpoints)
        return _masked(key) | {"key": text}, 201

    @group.delete("/user/api-keys/<key_id>")
    def revoke_key(key_id: str) -> dict[str, Any]:
        # The reply's rate headers are still of the key that asked, even where it revoked itself.
        g.standing = world.keys.standing(g.api_key)
        return {"ok": True, "id": world.keys.revoke(key_id).id}

    return group


def _profile(user: User, usage: Usage) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "plan": user.plan,
        "usage": _summary(usage),
        "createdAt": timestamp(user.created_at),
    }


def _summary(usage: Usage) -> dict[str, Any]:
    return {"apiCalls": usage.api_calls, "limit": usage.limit, "resetAt": timestamp(usage.reset_at)}


def _masked(key: ApiKey) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": key.id,
        "name": key.name,
        "type": key.type,
        "key": key.masked,
        "plan": key.plan,
        "createdAt": timestamp(key.created_at),
        "lastUsedAt": timestamp(key.last_used_at) if key.last_used_at else None,
    }
    return shown | ({"endpoints": list(key.endpoints)} if key.type == "restricted" else {})
