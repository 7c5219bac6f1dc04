"""The sandbox refuses each parameter that breaks its type or limit, and takes what just keeps it."""

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from sandbox.sandbox import Sandbox
from tests.api import documents
from tests.api.bodies import RIGHT
from tests.api.descriptions import CHAOZCODE

PARAMETERS = [
    (endpoint.name, *parameter) for endpoint in documents.CHAOZCODE for parameter in endpoint.parameters
]
EACH = pytest.mark.parametrize(
    ("endpoint", "name", "kind", "required"), PARAMETERS, ids=[f"{each[0]} {each[1]}" for each in PARAMETERS]
)
VALUES = {
    "string": "text",
    "number": 0.5,
    "integer": 1,
    "boolean": True,
    "array": [{"text": "in a list"}],
    "object": {"text": "in an object"},
    "null": None,
}
_SLIGHTLY = 0.001


def send(sandbox: Sandbox, endpoint: str, body: object, key: str = "cc_dev_sandbox") -> TestResponse:
    method, path = endpoint.split()
    client = sandbox.app.test_client()
    return client.open(f"/v2{path}", method=method, json=body, headers={"Authorization": f"Bearer {key}"})


def error_of(response: TestResponse) -> tuple[int, str, str | None, str | None]:
    error = response.get_json()["error"]
    details = error["details"]
    return response.status_code, error["code"], details.get("field"), details.get("reason")


@pytest.mark.parametrize("endpoint", RIGHT)
def test_all_parameters_together_are_taken(sandbox: Sandbox, endpoint: str) -> None:
    assert set(RIGHT[endpoint]) == documents.parameters_of(endpoint)
    assert 200 <= send(sandbox, endpoint, RIGHT[endpoint]).status_code < 300


@EACH
def test_a_missing_parameter_is_refused_where_it_is_required(
    sandbox: Sandbox, endpoint: str, name: str, kind: str, required: bool
) -> None:
    without = {key: value for key, value in RIGHT[endpoint].items() if key != name}
    response = send(sandbox, endpoint, without)
    if required:
        assert error_of(response) == (400, "INVALID_REQUEST", name, "required")
    else:
        assert 200 <= response.status_code < 300


@EACH
def test_a_parameter_of_another_type_is_refused(
    sandbox: Sandbox, endpoint: str, name: str, kind: str, required: bool
) -> None:
    fitting = {kind, "integer"} if kind == "number" else {kind}
    for other in VALUES.keys() - fitting:
        response = send(sandbox, endpoint, RIGHT[endpoint] | {name: VALUES[other]})
        status, code, field, reason = error_of(response)
        assert (status, code, field) == (422, "VALIDATION_ERROR", name), f"{other} in place of {kind}"
        assert reason


def test_a_misspelt_parameter_is_refused(sandbox: Sandbox) -> None:
    for endpoint, body in RIGHT.items():
        status, code, field, _ = error_of(send(sandbox, endpoint, body | {"misspelt": 1}))
        assert (status, code, field) == (422, "VALIDATION_ERROR", "misspelt"), endpoint


def beyond_limits() -> Iterator[Any]:
    """Give each endpoint and parameter, the values that keep its limits just so, and those that don't."""
    for endpoint in RIGHT:
        for name, schema in CHAOZCODE.parameters(CHAOZCODE.operation(endpoint)).items():
            kept: list[Any] = []
            broken: list[Any] = []
            step = 1 if schema.get("type") == "integer" else _SLIGHTLY
            if "minimum" in schema:
                kept.append(schema["minimum"])
                broken.append(schema["minimum"] - step)
            if "maximum" in schema:
                kept.append(schema["maximum"])
                broken.append(schema["maximum"] + step)
            if "maxLength" in schema:
                kept.append("é" * schema["maxLength"])
                broken.append("e" * (schema["maxLength"] + 1))
            if "enum" in schema:
                kept.extend(schema["enum"])
                broken.extend(["", "another", schema["enum"][0].upper()])
            for value, is_kept in [*((value, True) for value in kept), *((value, False) for value in broken)]:
                shown = str(value) if len(str(value)) < 30 else f"{len(value)} characters"
                yield pytest.param(endpoint, name, value, is_kept, id=f"{endpoint} {name} {shown}")


@pytest.mark.parametrize(("endpoint", "name", "value", "is_kept"), list(beyond_limits()))
def test_a_documented_limit_is_kept_to_the_last(
    sandbox: Sandbox, endpoint: str, name: str, value: Any, is_kept: bool
) -> None:
    response = send(sandbox, endpoint, RIGHT[endpoint] | {name: value})
    if is_kept:
        assert 200 <= response.status_code < 300
    else:
        assert error_of(response)[:3] == (422, "VALIDATION_ERROR", name)


@pytest.mark.parametrize(
    ("endpoint", "parameter", "value"),
    [
        ("POST /webhooks", "url", "http://receiver.example/"),
        ("POST /webhooks", "url", "receiver.example"),
        ("POST /webhooks", "url", "https://"),
        ("POST /webhooks", "url", "https://receiver.example/with space"),
        ("POST /webhooks", "events", []),
        ("POST /webhooks", "events", ["memory.eaten"]),
        ("POST /webhooks", "events", ["memory.stored", 5]),
        ("POST /codebase/review", "focus", ["beauty"]),
        ("POST /codebase/analyze", "files", [{"path": "app.py"}]),
        ("POST /query/chat", "messages", [{"role": "user"}]),
        ("POST /query/chat", "messages", [{"role": "king", "content": "We ask."}]),
        ("POST /memory/store", "tags", [1]),
        ("POST /query", "stop", [None]),
    ],
)
def test_what_a_parameter_holds_is_checked_too(
    sandbox: Sandbox, endpoint: str, parameter: str, value: Any
) -> None:
    status, code, field, _ = error_of(send(sandbox, endpoint, RIGHT[endpoint] | {parameter: value}))
    assert (status, code) in {(422, "VALIDATION_ERROR"), (400, "INVALID_REQUEST")}
    assert field is not None
    assert field.startswith(parameter)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff", b'{"prompt": NaN}', b"[" * 100_000])
def test_what_is_no_json_object_is_refused_as_malformed(sandbox: Sandbox, body: bytes) -> None:
    headers = {"Authorization": "Bearer cc_dev_sandbox"}
    response = sandbox.app.test_client().post("/v2/query", data=body, headers=headers)
    assert error_of(response)[:2] == (400, "INVALID_REQUEST")


def test_a_whole_number_may_be_written_with_a_point(sandbox: Sandbox) -> None:
    headers = {"Authorization": "Bearer cc_dev_sandbox", "Content-Type": "application/json"}
    for number, status in (("10.0", 200), ("1e1", 200), ("10.5", 422), ("1e400", 400)):
        body = f'{{"query": "OAuth2", "limit": {number}}}'
        response = sandbox.app.test_client().post("/v2/memory/search", data=body, headers=headers)
        assert response.status_code == status, number
