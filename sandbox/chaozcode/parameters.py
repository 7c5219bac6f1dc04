"""What parameters of several endpoints are made of."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, UnsetType
from msgspec.structs import asdict

Model = Literal["gpt-4", "claude-3-sonnet", "gemini-pro"]
"""As documented for POST /query; GET /models describes the same."""
Importance = Literal["low", "medium", "high", "critical"]
AtLeastOne = Annotated[int, Meta(ge=1)]
NotEmpty = Annotated[str, Meta(min_length=1)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class Parameters(Struct, kw_only=True, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A request body whose parameters the reference lists."""


class Changes(Struct, kw_only=True, frozen=True, rename="camel"):
    """A request body that the reference does not describe: what is to change, and whatever else may come."""

    def given(self) -> dict[str, Any]:
        """Give the fields that came, by our names."""
        return {name: value for name, value in asdict(self).items() if not isinstance(value, UnsetType)}
