"""Replies that the API reference does not show: read as far as one can expect, and kept whole in `raw`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from clients.reply import Reply, read_fields

Kind = TypeVar("Kind", bound=Reply)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged(Reply):
    """The reply to a call that is done for its effect."""

    ok: bool | None = None
    id: str | None = None
    status: str | None = None
    message: str | None = None


def read_loosely(kind: type[Kind], reply: object, *within: str) -> Kind:
    """Read a resource from an object, or from one that this has under a name of `within` or "data".

    The call took effect whatever its reply is: none gives an empty resource, and what is no object is in
    `raw` under "reply".
    """
    if not isinstance(reply, Mapping):
        return kind(raw={} if reply is None else {"reply": reply})
    found = read_fields(kind, reply)
    for name in (*within, "data"):
        inner = reply.get(name)
        if isinstance(inner, Mapping):
            return kind(raw=reply, **{**read_fields(kind, inner), **found})
    return kind(raw=reply, **found)
