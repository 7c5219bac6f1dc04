"""`client.user`: the account that the key belongs to ("User Endpoints")."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from clients.limits import check_object, check_text, given, require_some
from clients.reply import Reply

from .api_keys import ApiKeys
from .undocumented import read_loosely

if TYPE_CHECKING:
    from clients.exchange import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUsage(Reply):
    """How many calls were made of those that the plan allows."""

    api_calls: int | None = None
    limit: int | None = None
    reset_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(Reply):
    """A user."""

    id: str | None = None
    email: str | None = None
    name: str | None = None
    plan: str | None = None
    """As "pro"."""
    usage: CallUsage | None = None
    created_at: datetime | None = None


class User:
    """`client.user`."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange
        self.api_keys = ApiKeys(exchange)

    def me(self) -> Profile:
        """Give the user's profile: `GET /user/me`."""
        return Profile.from_json(self._exchange.call("GET", ("user", "me")))

    def update(
        self, *, name: str | None = None, email: str | None = None, fields: Mapping[str, Any] | None = None
    ) -> Profile:
        """Change the user's profile: `PATCH /user/me`.

        What is not given is not sent. Which fields it takes is not documented: `fields` are sent as they are.
        """
        check_text("name", name, required=False)
        check_text("email", email, required=False)
        check_object("fields", fields)
        body = {**(fields or {}), **given(name=name, email=email)}
        require_some(body, "name, email and fields")
        return read_loosely(Profile, self._exchange.call("PATCH", ("user", "me"), body=body), "user")

    def usage(self) -> CallUsage:
        """Give detailed figures of usage: `GET /user/usage`.

        The reply is not documented: what it has beside the profile's figures is in `raw`.
        """
        return read_loosely(CallUsage, self._exchange.call("GET", ("user", "usage")), "usage")
