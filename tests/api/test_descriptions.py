"""docs/api/*.yaml say what the API references say: no endpoint, parameter, status or error is missing."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from tests.api import documents
from tests.api.descriptions import CHAOZCODE, CHUCKY, Description, Operation

BOTH = pytest.mark.parametrize("described", [CHAOZCODE, CHUCKY], ids=["chaozcode", "chucky"])
ENDPOINTS = [
    pytest.param(described, endpoint, id=endpoint.name)
    for described, endpoints in ((CHAOZCODE, documents.CHAOZCODE), (CHUCKY, documents.CHUCKY))
    for endpoint in endpoints
]
PARAMETER_TABLES = [param for param in ENDPOINTS if param.values[1].parameters]  # type: ignore[union-attr]


@BOTH
def test_the_description_is_valid_openapi(described: Description) -> None:
    validate(dict(described.raw))


def test_exactly_the_documented_endpoints_are_described() -> None:
    assert sorted(operation.name for operation in CHAOZCODE.operations()) == sorted(
        endpoint.name for endpoint in documents.CHAOZCODE
    )
    assert sorted(operation.name for operation in CHUCKY.operations()) == sorted(
        endpoint.name for endpoint in documents.CHUCKY
    )


@pytest.mark.parametrize(("described", "endpoint"), PARAMETER_TABLES)
def test_the_body_has_exactly_the_documented_parameters(
    described: Description, endpoint: documents.Endpoint
) -> None:
    operation = described.operation(endpoint.name)
    schema = described.body_schema(operation)
    assert schema is not None
    assert as_table(described, schema) == set(endpoint.parameters)
    assert schema["additionalProperties"] is False, "a misspelt parameter would not be found"


def test_chuckys_options_are_exactly_the_documented_ones() -> None:
    schema = CHUCKY.parameters(CHUCKY.operation("POST /prompt"))["options"]
    assert as_table(CHUCKY, schema) == set(documents.CHUCKY_OPTIONS)
    assert schema["additionalProperties"] is False


def as_table(described: Description, schema: Mapping[str, Any]) -> set[tuple[str, str, bool]]:
    return {
        (name, described.resolved(of)["type"], name in schema.get("required", ()))
        for name, of in schema["properties"].items()
    }


@pytest.mark.parametrize(("place", "said"), documents.LIMITS.items(), ids=str)
def test_a_documented_limit_is_described(place: tuple[str, str], said: Mapping[str, Any]) -> None:
    endpoint, parameter = place
    schema = CHAOZCODE.parameters(CHAOZCODE.operation(endpoint))[parameter]
    assert {key: schema.get(key) for key in said} == said


def test_the_event_types_and_the_areas_of_focus_are_the_documented_ones() -> None:
    assert CHAOZCODE.raw["components"]["schemas"]["EventType"]["enum"] == list(documents.EVENT_TYPES)
    focus = CHAOZCODE.parameters(CHAOZCODE.operation("POST /codebase/review"))["focus"]
    assert focus["items"]["enum"] == ["security", "performance", "style", "bugs"]
    window = CHUCKY.raw["components"]["schemas"]["Usage"]["properties"]["window"]
    assert window["enum"] == ["hour", "day", "week", "month", "lifetime"]


@pytest.mark.parametrize(("described", "endpoint"), ENDPOINTS)
def test_an_undocumented_success_says_that_it_is_guessed(
    described: Description, endpoint: documents.Endpoint
) -> None:
    successes = {
        status: described.resolved(reply)
        for status, reply in described.operation(endpoint.name).definition["responses"].items()
        if status.startswith("2")
    }
    if endpoint.success is not None:
        assert list(successes) == [str(endpoint.success)]
    elif endpoint.name != "POST /query/stream":  # its body is documented, and 200 goes without saying
        assert all(reply["description"].startswith("Guess: ") for reply in successes.values())


@pytest.mark.parametrize("operation", list(CHAOZCODE.operations()), ids=lambda operation: operation.name)
def test_each_reply_has_the_rate_limit_headers_and_each_error_its_code(operation: Operation) -> None:
    replies = {
        status: CHAOZCODE.resolved(reply) for status, reply in operation.definition["responses"].items()
    }
    for status, reply in replies.items():
        headers = {name: CHAOZCODE.resolved(header) for name, header in reply["headers"].items()}
        assert tuple(headers) == documents.RATE_HEADERS
        assert all(header["required"] for header in headers.values())
        if status[0] != "2":
            schema = reply["content"]["application/json"]["schema"]
            of_error = schema["allOf"][1]["properties"]["error"]["properties"]
            assert of_error["code"]["const"] == documents.ERROR_CODES[int(status)]
    expected = {*documents.ERRORS_ANYWHERE}
    if "requestBody" in operation.definition:
        expected |= {400, 422}
    if "{" in operation.path:
        expected |= {404}
    assert {int(status) for status in replies if status[0] != "2"} >= expected


def test_each_error_code_is_described_somewhere() -> None:
    statuses = {
        status for operation in CHAOZCODE.operations() for status in operation.definition["responses"]
    }
    assert {str(status) for status in documents.ERROR_CODES} <= statuses
    codes = CHAOZCODE.raw["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["code"][
        "enum"
    ]
    assert codes == list(documents.ERROR_CODES.values())


def test_chuckys_documented_errors_are_described() -> None:
    replies = CHUCKY.operation("POST /prompt").definition["responses"]
    assert {"401", "402", "429"} <= set(replies)
    assert "401" in CHUCKY.operation("GET /usage").definition["responses"]


@pytest.mark.parametrize(
    "operation", [*CHAOZCODE.operations(), *CHUCKY.operations()], ids=lambda operation: operation.name
)
def test_a_bearer_key_is_asked_for_but_by_prompt_whose_token_is_in_the_body(operation: Operation) -> None:
    described = CHUCKY if operation.path in {"/prompt", "/usage"} else CHAOZCODE
    security = operation.definition.get("security", described.raw.get("security"))
    schemes = described.raw["components"]["securitySchemes"]
    assert [schemes[name]["scheme"] for one in security for name in one] == (
        [] if operation.path == "/prompt" else ["bearer"]
    )


@pytest.mark.parametrize("name", ["POST /query", "POST /query/stream", "POST /prompt"])
def test_streams_are_described_as_event_streams(name: str) -> None:
    described = CHUCKY if name == "POST /prompt" else CHAOZCODE
    assert "text/event-stream" in described.operation(name).definition["responses"]["200"]["content"]


@BOTH
def test_the_examples_of_the_references_fit_their_schemas(described: Description) -> None:
    examples = list(examples_in(described, described.raw))
    assert len(examples) >= 9
    for schema, example in examples:
        # References are looked up in the whole file.
        validator = OAS31Validator({**schema, "components": described.raw["components"]})
        assert [error.message for error in validator.iter_errors(example)] == []


def examples_in(described: Description, node: Any) -> Iterator[tuple[Mapping[str, Any], Any]]:
    if isinstance(node, Mapping):
        for example in node.get("examples", {}).values() if "schema" in node else ():
            yield node["schema"], example["value"]
        for value in node.values():
            yield from examples_in(described, value)
    elif isinstance(node, list):
        for value in node:
            yield from examples_in(described, value)
