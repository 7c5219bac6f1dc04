"""Puts into the sandbox what a path with an id asks for."""

from typing import Any, Final
from urllib.parse import quote

from flask import Flask

from sandbox.keys import FIXED_KEYS

_MADE_BY: Final[dict[str, tuple[str, dict[str, Any], str]]] = {
    "agentId": ("/agents/spawn", {"type": "task", "prompt": "Wait"}, "agentId"),
    "projectId": ("/projects", {"name": "Website"}, "id"),
    "keyId": ("/user/api-keys", {}, "id"),
    "webhookId": ("/webhooks", {"url": "https://receiver.example/", "events": ["memory.stored"]}, "id"),
}
_MEMORY: Final = {"id": "odd id: 1/2 50%?#ü", "content": "c"}


def existing(app: Flask, path: str) -> dict[str, str]:
    """Give the path's parameters, naming something that exists."""
    name = path.partition("{")[2].partition("}")[0]
    if name == "id":
        post(app, "/memory/store", _MEMORY)  # which may exist
        return {"id": quote(_MEMORY["id"], safe="")}
    made_by, body, id_field = _MADE_BY[name]
    return {name: post(app, made_by, body)[id_field]}


def post(app: Flask, path: str, body: dict[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {FIXED_KEYS['development']}"}
    return app.test_client().post(f"/v2{path}", json=body, headers=headers).json
