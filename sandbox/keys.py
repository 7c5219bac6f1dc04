"""API keys: four types, and which requests each may make ("API Key Types")."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal, get_args

from sandbox.plans import PLANS, PlanName, next_higher
from sandbox.rate_limits import RateLimit, Standing
from sandbox.state.conflict import NoSuchThing
from sandbox.state.ground import Ground

KeyType = Literal["development", "production", "readonly", "restricted"]
KEY_TYPES: Final[tuple[KeyType, ...]] = get_args(KeyType)

FIXED_KEYS: Final[dict[KeyType, str]] = {
    "development": "cc_dev_sandbox",
    "production": "cc_live_sandbox",
    "readonly": "cc_readonly_sandbox",
    "restricted": "cc_restricted_sandbox",
}
"""Known to all, so that documents can name them."""

OPEN_TO_RESTRICTED: Final = (
    "POST /query",
    "GET /models",
    "POST /memory/search",
    "POST /memory/context",
    "GET /memory/{id}",
)
"""What a restricted key may call unless it was made for other endpoints: to ask, and to read memories."""

_PREFIXES: Final[dict[KeyType, str]] = {
    "development": "cc_dev",
    "production": "cc_live",
    "readonly": "cc_readonly",
    "restricted": "cc_restricted",
}
_SHOWN_AT_THE_END: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key, without itself: only its digest is kept."""

    id: str
    name: str
    type: KeyType
    plan: PlanName
    endpoints: tuple[str, ...] = ()
    """What a restricted key may call, as `POST /query`."""
    masked: str
    digest: bytes = field(repr=False)
    created_at: datetime
    last_used_at: datetime | None = None

    def may_call(self, method: str, endpoint: str) -> bool:
        """Tell whether it may make such a request; `endpoint` is a path as documented, `/memory/{id}`."""
        asked = "GET" if method == "HEAD" else method
        if self.type == "readonly":
            return asked == "GET"
        return self.type != "restricted" or f"{asked} {endpoint}" in self.endpoints


class ApiKeys:
    """All keys that are valid now, each with its own rate limit."""

    def __init__(self, ground: Ground, *, plan: PlanName) -> None:
        self._ground = ground
        self._plan = plan
        self._keys: dict[str, ApiKey] = {}
        self._limits: dict[str, RateLimit] = {}
        self._nobodys = RateLimit(PLANS["free"], now=ground.now)
        for kind, text in FIXED_KEYS.items():
            self._keep(text, key_id=f"key_{kind}", name=f"The sandbox's {kind} key", kind=kind)

    def create(self, *, name: str, kind: KeyType, endpoints: Sequence[str] = ()) -> tuple[ApiKey, str]:
        """Make a key that works from now on; gives it too, this once."""
        with self._ground.lock:
            text = f"{_PREFIXES[kind]}_{self._ground.new_word(32)}"
            key_id = self._ground.new_id("key")
            return self._keep(text, key_id=key_id, name=name, kind=kind, endpoints=endpoints), text

    def revoke(self, key_id: str) -> ApiKey:
        with self._ground.lock:
            if key_id not in self._keys:
                raise NoSuchThing("API key", key_id)
            del self._limits[key_id]
            return self._keys.pop(key_id)

    def find(self, text: str) -> ApiKey | None:
        """Give the key that was sent, or None where it is none of ours."""
        digest = _digest(text)
        with self._ground.lock:
            found = next((key for key in self._keys.values() if key.digest == digest), None)
            if found is None:
                return None
            self._keys[found.id] = used = replace(found, last_used_at=self._ground.now())
            return used

    def take(self, key: ApiKey) -> Standing:
        """Count one request of a key, if its plan allows one more."""
        with self._ground.lock:
            limit = self._limits.get(key.id)
            return limit.take() if limit else self.standing(None)

    def standing(self, key: ApiKey | None) -> Standing:
        """Tell how a key stands, or for None whoever has none."""
        with self._ground.lock:
            return (self._limits.get(key.id, self._nobodys) if key else self._nobodys).look()

    def all(self) -> tuple[ApiKey, ...]:
        with self._ground.lock:
            return tuple(self._keys.values())

    def _keep(
        self, text: str, *, key_id: str, name: str, kind: KeyType, endpoints: Sequence[str] = ()
    ) -> ApiKey:
        plan = next_higher(self._plan) if kind == "production" else self._plan
        key = ApiKey(
            id=key_id,
            name=name,
            type=kind,
            plan=plan,
            endpoints=tuple(endpoints) or (OPEN_TO_RESTRICTED if kind == "restricted" else ()),
            masked=f"{_PREFIXES[kind]}_…{text[-_SHOWN_AT_THE_END:]}",
            digest=_digest(text),
            created_at=self._ground.now(),
        )
        self._keys[key_id] = key
        self._limits[key_id] = RateLimit(PLANS[plan], now=self._ground.now)
        return key


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
