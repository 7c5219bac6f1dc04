import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.chaozcode import errors
from clients.chaozcode.error_reply import read_error
from clients.errors import TryLater

JSON = {"Content-Type": "application/json"}
DOCUMENTED = {
    "error": {
        "code": "INVALID_REQUEST",
        "message": "The request body is missing required field 'prompt'",
        "details": {"field": "prompt", "reason": "required"},
        "requestId": "req_abc123",
    }
}


def read(status: int, reply: object, headers: dict[str, str] = JSON) -> errors.ChaozCodeError:
    return read_error(status, headers, json.dumps(reply).encode())


def test_a_documented_error_is_read_whole() -> None:
    error = read(400, DOCUMENTED)

    assert type(error) is errors.InvalidRequest
    assert (error.status, error.code, error.request_id) == (400, "INVALID_REQUEST", "req_abc123")
    assert error.details == {"field": "prompt", "reason": "required"}
    assert str(error) == (
        "ChaozCode answered 400 INVALID_REQUEST: The request body is missing required field 'prompt'"
        " [req_abc123]"
    )


@pytest.mark.parametrize(
    ("status", "code", "kind", "permanent", "transient", "repeatable"),
    [
        (400, "INVALID_REQUEST", errors.InvalidRequest, True, False, False),
        (401, "UNAUTHORIZED", errors.Unauthorized, True, False, False),
        (403, "FORBIDDEN", errors.Forbidden, True, False, False),
        (404, "NOT_FOUND", errors.NotFound, True, False, False),
        (409, "CONFLICT", errors.Conflict, True, False, False),
        (422, "VALIDATION_ERROR", errors.ValidationFailed, True, False, False),
        (429, "RATE_LIMITED", errors.RateLimited, False, True, True),
        (500, "INTERNAL_ERROR", errors.InternalError, False, True, True),
        (503, "SERVICE_UNAVAILABLE", errors.ServiceUnavailable, False, True, False),
    ],
)
@pytest.mark.parametrize("with_code", [True, False])
def test_each_documented_status_is_an_error_of_its_own(
    *,
    status: int,
    code: str,
    kind: type[errors.ChaozCodeError],
    permanent: bool,
    transient: bool,
    repeatable: bool,
    with_code: bool,
) -> None:
    error = read(status, {"error": {"code": code, "message": "No."}} if with_code else {})

    assert type(error) is kind
    assert error.code == (code if with_code else None)
    assert (error.permanent, error.is_transient, error.is_repeatable) == (permanent, transient, repeatable)


@pytest.mark.parametrize(
    ("message", "details", "words"),
    [
        ("Invalid.", {"field": "id", "reason": "must be short"}, "Invalid. (id: must be short)"),
        ("Invalid id.", {"field": "id", "reason": "must be short"}, "Invalid id. (must be short)"),
        ("Invalid.", {"field": "id"}, "Invalid. (id)"),
        ("id: must be short", {"field": "id", "reason": "must be short"}, "id: must be short"),
        ("Invalid.", {"field": 1, "reason": None}, "Invalid."),
    ],
)
def test_which_field_is_at_fault_is_said_once(message: str, details: dict[str, object], words: str) -> None:
    error = read(422, {"error": {"code": "VALIDATION_ERROR", "message": message, "details": details}})

    assert str(error) == f"ChaozCode answered 422 VALIDATION_ERROR: {words}"


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "check the key in CHAOZCODE_API_KEY"), (403, "a readonly key allows GET only")],
)
def test_what_is_wrong_with_the_key_is_said(status: int, words: str) -> None:
    assert words in str(read(status, {}))


@pytest.mark.parametrize(
    ("status", "permanent", "transient"),
    [
        *((status, True, False) for status in (402, 405, 418)),
        *((status, False, True) for status in (408, 425, 502, 504)),
        *((status, False, False) for status in (304, 501, 520)),
    ],
)
def test_a_status_that_is_not_documented_is_permanent_where_it_is_the_callers_fault(
    *, status: int, permanent: bool, transient: bool
) -> None:
    error = read(status, {"error": {"code": "TEAPOT", "message": "No."}})

    assert type(error) is errors.UnexpectedStatus
    assert (error.status, error.code) == (status, "TEAPOT")
    assert (error.permanent, error.is_transient, error.is_repeatable) == (permanent, transient, False)
    assert str(error) == f"ChaozCode answered {status} TEAPOT: No."


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (502, "SERVICE_UNAVAILABLE", errors.ServiceUnavailable),
        (410, "NOT_FOUND", errors.NotFound),
        (502, "NOT_FOUND", errors.UnexpectedStatus),
        (400, "VALIDATION_ERROR", errors.InvalidRequest),
        (500, "UNAUTHORIZED", errors.InternalError),
    ],
)
def test_the_code_tells_where_the_status_does_not(
    status: int, code: str, kind: type[errors.ChaozCodeError]
) -> None:
    assert type(read(status, {"error": {"code": code}})) is kind


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!DOCTYPE html><html><title>Tell nobody</title></html>",
        b'{"error": {"code": "INTER',
        b"null",
        b"[]",
        b'"error"',
        b'{"error": null}',
        b'{"error": [1]}',
        b'{"error": {"code": 7, "message": null, "details": "x", "requestId": {}}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"9" * 10_000,
    ],
)
def test_an_error_with_any_other_body_is_known_by_its_status(body: bytes) -> None:
    error = read_error(503, {"Content-Type": "text/html; charset=utf-8"}, body)

    assert type(error) is errors.ServiceUnavailable
    assert (error.code, error.details, error.request_id) == (None, {}, None)
    assert str(error) == "ChaozCode answered 503 without a documented error (text/html)"


def test_a_bare_message_is_kept() -> None:
    assert str(read(500, {"error": "Out of memory"})) == "ChaozCode answered 500: Out of memory"


def test_what_a_message_holds_is_one_short_line() -> None:
    error = read(500, {"error": {"code": "X\n\x1b[31m", "message": "a\r\nb\u202e" + "c" * 10_000}})

    assert str(error).startswith("ChaozCode answered 500 X [31m: a b c")
    assert str(error).isprintable()
    assert len(str(error)) < 600


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"X-RateLimit-RetryAfter": "30"}, 30.0),
        (503, {"Retry-After": "7"}, 7.0),
        (429, {}, 60.0),
        (500, {"X-RateLimit-RetryAfter": "30"}, None),
        (404, {"Retry-After": "7"}, None),
    ],
)
def test_a_wait_is_heeded_where_the_status_asks_for_one(
    status: int, headers: dict[str, str], seconds: float | None
) -> None:
    error = read(status, {}, headers)

    assert error.retry_after == seconds
    assert isinstance(error, TryLater) == (status == 429)


def test_the_figures_of_the_reply_are_kept() -> None:
    headers: dict[str, Any] = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0"}
    error = read(429, {}, headers)

    assert error.rate_limit is not None
    assert (error.rate_limit.limit, error.rate_limit.remaining) == (60, 0)


VALUES = (
    st.none()
    | st.integers()
    | st.text(max_size=20)
    | st.dictionaries(st.text(max_size=5), st.text(max_size=5))
)
ERRORS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("code", "message", "details", "requestId"), VALUES)
)


@given(status=st.integers(400, 599), error=ERRORS | VALUES, noise=st.binary(max_size=20))
@settings(max_examples=100, deadline=None)
def test_any_error_reply_can_be_read(status: int, error: object, noise: bytes) -> None:
    whole = json.dumps({"error": error}).encode()

    for body in (whole, whole + noise, noise):
        assert read_error(status, JSON, body).status == status
        assert str(read_error(status, JSON, body)).isprintable()
