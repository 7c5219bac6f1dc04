"""docs/api/chaozcode.yaml and docs/api/chucky.yaml, read once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import schemathesis
from openapi_core import Config, OpenAPI

ROOT: Final = Path(__file__).parents[2]
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def _with_events_described(node: Any) -> Any:
    """Write it as OpenAPI 3.2, which can say what each event of a stream is; not all tools read that yet."""
    if isinstance(node, list):
        return [_with_events_described(value) for value in node]
    if not isinstance(node, Mapping):
        return node
    if "x-itemSchema" in node:
        return {"itemSchema": node["x-itemSchema"]}
    changed = {key: _with_events_described(value) for key, value in node.items()}
    return changed | {"openapi": "3.2.0"} if "openapi" in node else changed


def _as_text(value: bytes, **_: str) -> str:
    return value.decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    method: str
    path: str
    definition: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


class Description:
    """One of the two files, as plain data and as a validator."""

    def __init__(self, name: str) -> None:
        file = ROOT / "docs" / "api" / f"{name}.yaml"
        self.raw: Mapping[str, Any] = schemathesis.openapi.from_path(str(file)).raw_schema
        self.fuzzable: Any = schemathesis.openapi.from_dict(_with_events_described(self.raw))
        self.url: str = self.raw["servers"][0]["url"]
        self.validator = OpenAPI.from_dict(
            dict(self.raw),
            # Events are text; what they hold is validated where they are decoded.
            config=Config(extra_media_type_deserializers={"text/event-stream": _as_text}),
        )

    def operations(self) -> Iterator[Operation]:
        for path, item in self.raw["paths"].items():
            for method in _METHODS:
                if method in item:
                    yield Operation(method=method.upper(), path=path, definition=item[method])

    def operation(self, name: str) -> Operation:
        return next(operation for operation in self.operations() if operation.name == name)

    def resolved(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Follow `$ref`; what stands beside it counts too."""
        found = dict(value)
        while (reference := found.pop("$ref", None)) is not None:
            target: Any = self.raw
            for part in reference.removeprefix("#/").split("/"):
                target = target[part]
            found = {**target, **found}
        return found

    def body_schema(self, operation: Operation) -> dict[str, Any] | None:
        body = operation.definition.get("requestBody")
        return body and self.resolved(body["content"]["application/json"]["schema"])

    def parameters(self, operation: Operation) -> dict[str, dict[str, Any]]:
        """Give the body's parameters with their schemas."""
        schema = self.body_schema(operation) or {}
        return {name: self.resolved(of) for name, of in schema.get("properties", {}).items()}


CHAOZCODE: Final = Description("chaozcode")
CHUCKY: Final = Description("chucky")
