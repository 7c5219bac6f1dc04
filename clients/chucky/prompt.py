"""What a prompt is asked with ("Body", "Options"), checked before it is sent."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypedDict

from clients.errors import InvalidCall
from clients.limits import check_count, check_object, check_objects, check_text, check_texts


class PromptOptions(TypedDict, total=False):
    """The options of a prompt, all of which may be left out, or be None."""

    model: str | None
    """By default claude-sonnet-4-5-20250929."""
    system_prompt: str | None
    tools: Sequence[Mapping[str, Any]] | None
    """Definitions of tools."""
    allowed_tools: Sequence[str] | None
    disallowed_tools: Sequence[str] | None
    max_turns: int | None
    """At least 1."""
    max_budget_usd: float | Decimal | None
    """The most that the prompt may cost; greater than 0."""
    max_thinking_tokens: int | None
    """At least 1."""
    output_format: Mapping[str, Any] | None
    """The schema of a structured answer."""
    mcp_servers: Mapping[str, Any] | None
    """Configurations of MCP servers."""


_NAMES: Final = {
    "model": "model",
    "system_prompt": "systemPrompt",
    "tools": "tools",
    "allowed_tools": "allowedTools",
    "disallowed_tools": "disallowedTools",
    "max_turns": "maxTurns",
    "max_budget_usd": "maxBudgetUsd",
    "max_thinking_tokens": "maxThinkingTokens",
    "output_format": "outputFormat",
    "mcp_servers": "mcpServers",
}


def checked_options(options: PromptOptions) -> dict[str, Any]:
    """Give the options by Chucky's names; raises `InvalidCall`, and TypeError for one that there is not."""
    for name in options:
        if name not in _NAMES:
            raise TypeError(f"there is no option {name!r}; the options are {', '.join(_NAMES)}")
    check_text("model", options.get("model"), required=False)
    check_text("system_prompt", options.get("system_prompt"), required=False)
    _require_objects("tools", options.get("tools"))
    check_texts("allowed_tools", options.get("allowed_tools"))
    check_texts("disallowed_tools", options.get("disallowed_tools"))
    check_count("max_turns", options.get("max_turns"))
    _require_positive("max_budget_usd", options.get("max_budget_usd"))
    check_count("max_thinking_tokens", options.get("max_thinking_tokens"))
    check_object("output_format", options.get("output_format"))
    check_object("mcp_servers", options.get("mcp_servers"))
    return {
        _NAMES[name]: float(value) if isinstance(value, Decimal) else value
        for name, value in options.items()
        if value is not None
    }


def require_message(message: str) -> None:
    check_text("message", message)
    if not message.strip():
        raise InvalidCall("message must not be empty")


def _require_positive(name: str, value: float | Decimal | None) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidCall(f"{name} must be a number, but it is of type {type(value).__name__}")
    is_finite = value.is_finite() if isinstance(value, Decimal) else -math.inf < value < math.inf
    if not is_finite or value <= 0:
        raise InvalidCall(f"{name} must be greater than 0, but it is {value}")


def _require_objects(name: str, values: Sequence[Mapping[str, Any]] | None) -> None:
    check_objects(name, values, texts=())
    for place, value in enumerate(values or ()):
        if not isinstance(value, Mapping):
            raise InvalidCall(f"{name}[{place}] must be an object (a dict)")
