"""Sample events, as ChaozCode would send them.

Only the data of memory.stored is documented. The rest is made of what the API reference shows of the same
resources elsewhere ("Agent Endpoints", "User Endpoints").
"""

import json
import random
import string
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

_MEMORY: Final = {"memoryId": "project-update", "tags": ["project", "update"], "importance": "high"}
_AGENT: Final = {"agentId": "agent_abc123", "type": "explore"}
_PROJECT: Final = {"projectId": "project_abc123", "name": "Website"}

_DATA: Final[Mapping[str, Mapping[str, Any]]] = {
    "memory.stored": _MEMORY,
    "memory.updated": _MEMORY,
    "memory.deleted": {"memoryId": "project-update"},
    "agent.started": _AGENT | {"status": "running"},
    "agent.completed": _AGENT
    | {
        "status": "completed",
        "result": {"summary": "Found 5 authentication-related files.", "confidence": 0.92},
        "usage": {"tokens": 1523, "cost": 0.045},
        "duration": 3.2,
    },
    "agent.failed": _AGENT | {"status": "failed", "error": "The task ran longer than 300 seconds."},
    "project.updated": _PROJECT | {"settings": {"visibility": "private"}},
    "usage.threshold": {
        "threshold": 0.8,
        "usage": 8000,
        "limit": 10000,
        "resetAt": "2026-02-01T00:00:00Z",
    },
}
_DATA_OF_FAMILY: Final = {"memory": _MEMORY, "agent": _AGENT, "project": _PROJECT}
_UNKNOWN: Final = {"message": "A sample event of a type that the documentation does not name."}

_ID_ALPHABET: Final = string.ascii_lowercase + string.digits


def new_event_id(chance: random.Random) -> str:
    """Return an id like the documented `evt_abc123`, but long enough never to come twice."""
    return "evt_" + "".join(chance.choices(_ID_ALPHABET, k=20))


def sample_data(event_type: str) -> str:
    """Return plausible data for an event of this type, as JSON text."""
    family = event_type.partition(".")[0]
    data = _DATA.get(event_type) or _DATA_OF_FAMILY.get(family) or _UNKNOWN
    return json.dumps(data, separators=(",", ":"))


def event_body(event_type: str, *, event_id: str, created_at: datetime, data: str) -> bytes:
    """Return a webhook's body; the JSON text of its data goes in as it is, to the last byte."""
    created = created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    envelope = json.dumps({"id": event_id, "type": event_type, "createdAt": created}, separators=(",", ":"))
    return f'{envelope.removesuffix("}")},"data":{data}}}'.encode()
