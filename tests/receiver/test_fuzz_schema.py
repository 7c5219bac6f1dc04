"""The doors against docs/openapi.yaml: schemathesis makes right and wrong requests, checks each answer."""

import json
from typing import Any, Final

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from receiver.routes import METHODS
from receiver.signature import sign
from tests.receiver.running_door import ROOT, SECRET, RunningDoor

SCHEMA: Final[Any] = schemathesis.openapi.from_path(str(ROOT / "docs" / "openapi.yaml"))
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def test_the_schema_names_every_path_and_method() -> None:
    described = {
        (operation.ok().path, operation.ok().method.upper()) for operation in SCHEMA.get_all_operations()
    }
    assert described == {(path, methods[0]) for path, methods in METHODS.items()}


def test_every_answer_to_a_generated_request_conforms_to_the_schema(door: RunningDoor) -> None:
    for operation in SCHEMA.get_all_operations():
        check_operation(door, operation.ok(), GenerationMode.POSITIVE)
    check_operation(door, SCHEMA["/webhooks/chaozcode"]["POST"], GenerationMode.NEGATIVE)


def check_operation(door: RunningDoor, operation: Any, mode: GenerationMode) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=20, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        response = case.call(base_url=f"http://127.0.0.1:{door.port}")
        case.validate_response(response, checks=CHECKS)

    check()


def test_every_answer_to_a_signed_event_of_the_schema_conforms_to_it(door: RunningDoor) -> None:
    seen = set()

    @given(case=SCHEMA["/webhooks/chaozcode"]["POST"].as_strategy())
    @settings(max_examples=30, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        case.body = json.dumps(case.body).encode()
        case.headers = {"X-ChaozCode-Signature": sign(case.body, SECRET), "Content-Type": "application/json"}
        response = case.call(base_url=f"http://127.0.0.1:{door.port}")
        case.validate_response(response, checks=CHECKS)
        seen.add(response.status_code)

    check()
    assert 202 in seen
