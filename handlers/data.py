"""The shapes of `event.data`, for annotations: `data: MemoryStored = event.data`.

ChaozCode's API reference documents the data of memory.stored alone. The other shapes are guesses from the
resources that the reference describes, so all of their keys may be absent: read them with `.get()`.
"""

from typing import TypedDict


class MemoryStored(TypedDict):
    """memory.stored, as documented in "Webhook Payload Format"."""

    memoryId: str
    tags: list[str]
    importance: str


class MemoryUpdated(TypedDict, total=False):
    """memory.updated; a guess: as memory.stored."""

    memoryId: str
    tags: list[str]
    importance: str


class MemoryDeleted(TypedDict, total=False):
    """memory.deleted; a guess."""

    memoryId: str


class AgentStarted(TypedDict, total=False):
    """agent.started; a guess from the answer of POST /agents/spawn."""

    agentId: str
    status: str


class AgentCompleted(TypedDict, total=False):
    """agent.completed; a guess from the answer of GET /agents/{agentId}."""

    agentId: str
    status: str
    result: object


class AgentFailed(TypedDict, total=False):
    """agent.failed; a guess."""

    agentId: str
    status: str
    error: object


class ProjectUpdated(TypedDict, total=False):
    """project.updated; a guess."""

    projectId: str


class UsageThreshold(TypedDict, total=False):
    """usage.threshold; a guess, for not even the name of a field is documented."""

    threshold: float
    usage: float
    limit: float
