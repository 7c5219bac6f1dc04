"""The sandbox against docs/api/*.yaml: schemathesis makes right and wrong requests, and checks each reply."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sandbox.chucky.token import SANDBOX_TOKEN
from sandbox.keys import FIXED_KEYS, OPEN_TO_RESTRICTED
from sandbox.sandbox import Sandbox
from tests.api.descriptions import CHAOZCODE, CHUCKY
from tests.api.seeding import existing

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    positive_data_acceptance,
]
OPERATIONS: Final = [operation.ok() for operation in CHAOZCODE.fuzzable.get_all_operations()]
BOTH_OF_CHUCKY: Final = [operation.ok() for operation in CHUCKY.fuzzable.get_all_operations()]
PROMPT: Final = next(operation for operation in BOTH_OF_CHUCKY if operation.path == "/prompt")
READING: Final = [operation for operation in OPERATIONS if operation.method == "get"]
WRITING: Final = [operation for operation in OPERATIONS if operation.method != "get"]
WITH_A_BODY: Final = [operation for operation in OPERATIONS if operation.body]
WITH_AN_ID: Final = [operation for operation in OPERATIONS if operation.path_parameters]
CLOSED: Final = [operation for operation in OPERATIONS if operation.label not in OPEN_TO_RESTRICTED]
KEY: Final = FIXED_KEYS["development"]

EFFORTS: Final = pytest.mark.parametrize("examples", [4, pytest.param(50, marks=pytest.mark.long)])
FEW: Final = 2


def each(operations: list[Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", operations, ids=[operation.label for operation in operations])


def statuses(
    sandbox: Sandbox,
    operation: Any,
    mode: GenerationMode,
    examples: int,
    *,
    change: Callable[[Flask, Any], None] = lambda app, case: None,
    headers: Mapping[str, str] | None = None,
    checks: list[Any] = CHECKS,
) -> set[int]:
    """Send generated requests, check each reply, and give the statuses that came."""
    app = sandbox.app
    seen = set()

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=examples, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        change(app, case)
        response = case.call(headers=headers, app=app)
        case.validate_response(response, checks=checks)
        seen.add(response.status_code)

    check()
    return seen


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def aim(app: Flask, case: Any) -> None:
    """Name something that exists."""
    if case.path_parameters:
        case.path_parameters = existing(app, case.path)


def is_success(status: int) -> bool:
    return 200 <= status < 300


@EFFORTS
@each(OPERATIONS)
def test_a_right_request_succeeds(sandbox: Sandbox, operation: Any, examples: int) -> None:
    seen = statuses(sandbox, operation, GenerationMode.POSITIVE, examples, change=aim, headers=bearer(KEY))
    assert any(map(is_success, seen))


@EFFORTS
@each(WITH_A_BODY)
def test_a_wrong_request_is_refused(sandbox: Sandbox, operation: Any, examples: int) -> None:
    seen: set[int] = set()
    for _ in range(5):  # some of what is made up has nothing wrong but a field that is not documented
        seen |= statuses(
            sandbox, operation, GenerationMode.NEGATIVE, examples, change=aim, headers=bearer(KEY)
        )
        if seen & {400, 422}:
            return
    pytest.fail(f"nothing was refused: {seen}")


@each(WITH_AN_ID)
def test_what_does_not_exist_is_not_found(sandbox: Sandbox, operation: Any) -> None:
    assert statuses(sandbox, operation, GenerationMode.POSITIVE, FEW, headers=bearer(KEY)) == {404}


@each(OPERATIONS)
def test_a_production_key_may_do_all(sandbox: Sandbox, operation: Any) -> None:
    headers = bearer(FIXED_KEYS["production"])
    seen = statuses(sandbox, operation, GenerationMode.POSITIVE, FEW, change=aim, headers=headers)
    assert any(map(is_success, seen))


@each(WRITING)
def test_a_readonly_key_is_for_get_only(sandbox: Sandbox, operation: Any) -> None:
    headers = bearer(FIXED_KEYS["readonly"])
    assert statuses(sandbox, operation, GenerationMode.POSITIVE, FEW, change=aim, headers=headers) == {403}


@each(READING)
def test_a_readonly_key_may_get_all(sandbox: Sandbox, operation: Any) -> None:
    headers = bearer(FIXED_KEYS["readonly"])
    seen = statuses(sandbox, operation, GenerationMode.POSITIVE, FEW, change=aim, headers=headers)
    assert all(map(is_success, seen))


@each(CLOSED)
def test_a_restricted_key_is_for_some_endpoints_only(sandbox: Sandbox, operation: Any) -> None:
    headers = bearer(FIXED_KEYS["restricted"])
    assert statuses(sandbox, operation, GenerationMode.POSITIVE, FEW, change=aim, headers=headers) == {403}


def test_a_restricted_key_may_make_its_calls(sandbox: Sandbox) -> None:
    opened = [operation for operation in OPERATIONS if operation not in CLOSED]
    assert len(opened) == len(OPEN_TO_RESTRICTED)
    for operation in opened:
        headers = bearer(FIXED_KEYS["restricted"])
        seen = statuses(sandbox, operation, GenerationMode.POSITIVE, FEW, change=aim, headers=headers)
        assert any(map(is_success, seen))


@pytest.mark.parametrize(
    "headers", [{}, bearer("cc_live_unknown"), {"Authorization": "Basic Y2M6Y2M="}], ids=str
)
def test_nothing_is_done_without_a_known_key(sandbox: Sandbox, headers: dict[str, str]) -> None:
    for operation in OPERATIONS:
        assert statuses(sandbox, operation, GenerationMode.POSITIVE, 1, change=aim, headers=headers) == {401}


def with_token(app: Flask, case: Any) -> None:
    case.body["options"]["token"] = SANDBOX_TOKEN


@EFFORTS
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_right_prompt_is_answered(sandbox: Sandbox, accept: str, examples: int) -> None:
    headers = {"Accept": accept}
    seen = statuses(sandbox, PROMPT, GenerationMode.POSITIVE, examples, change=with_token, headers=headers)
    assert seen == {200}


@EFFORTS
def test_a_wrong_prompt_is_refused(sandbox: Sandbox, examples: int) -> None:
    assert statuses(sandbox, PROMPT, GenerationMode.NEGATIVE, examples) & {400, 401}


def test_the_usage_is_told_to_who_has_a_token(sandbox: Sandbox) -> None:
    usage = next(operation for operation in BOTH_OF_CHUCKY if operation.path == "/usage")
    assert statuses(sandbox, usage, GenerationMode.POSITIVE, FEW, headers=bearer(SANDBOX_TOKEN)) == {200}
    for headers in ({}, bearer("a.b.c")):
        assert statuses(sandbox, usage, GenerationMode.POSITIVE, FEW, headers=headers) == {401}
