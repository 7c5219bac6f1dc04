from collections import deque

import pytest
from werkzeug.test import TestResponse

from tests.sandbox.whole import Whole


@pytest.mark.parametrize(
    ("status", "code"), [(429, "RATE_LIMITED"), (500, "INTERNAL_ERROR"), (503, "SERVICE_UNAVAILABLE")]
)
def test_an_error_has_the_shape_that_chaozcode_documents(whole: Whole, status: int, code: str) -> None:
    whole.control("/faults", fault=status, path="/v2/*", seconds=7)
    response = whole.get("/v2/user/me")
    assert response.status_code == status
    error = response.json["error"]
    assert (error["code"], error["details"]) == (code, {})
    assert error["requestId"].startswith("req_")
    assert response.headers["X-RateLimit-RetryAfter"] == "7"
    assert int(response.headers["X-RateLimit-Reset"]) == whole.clock().timestamp() + 7
    assert int(response.headers["X-RateLimit-Limit"]) > 0
    assert whole.get("/v2/user/me").status_code == 200


def test_chuckys_errors_are_chuckys(whole: Whole) -> None:
    whole.control("/faults", fault=429, path="/prompt")
    response = whole.prompt()
    assert (response.status_code, response.json["error"]) == (429, "concurrent_limit_reached")
    assert not [name for name, _ in response.headers if "ratelimit" in name.lower()]
    whole.control("/faults", fault=500, path="/usage")
    assert whole.usage() == {"error": "internal_error"}


def test_a_request_that_is_refused_has_no_effect(whole: Whole) -> None:
    whole.control("/faults", fault=500)
    assert whole.prompt().status_code == 500
    assert whole.usage()["ai"]["used"] == 0


def test_a_delay_comes_before_whatever_else_is_to_happen(whole: Whole) -> None:
    whole.control("/faults", fault="delay", seconds=3)
    whole.control("/faults", fault="503")
    assert whole.get("/v2/user/me").status_code == 503
    assert whole.slept == [3.0]


def arriving(response: TestResponse) -> list[bytes]:
    """Give what comes before the connection is cut."""
    arrived: list[bytes] = []
    pieces = map(arrived.append, response.iter_encoded())
    with pytest.raises(ConnectionAbortedError):
        deque(pieces)
    return arrived


@pytest.mark.parametrize(("after", "count"), [(None, 1), (2, 2)])
def test_a_stream_is_cut_after_so_many_events(whole: Whole, after: int | None, count: int) -> None:
    whole.control("/faults", fault="cut", path="/prompt", after=after)
    arrived = arriving(whole.prompt("one two three four five six", accept="text/event-stream"))
    assert [piece.startswith(b"event: message") for piece in arrived] == [True] * count


def test_cut_after_nothing_not_even_the_head_comes(whole: Whole) -> None:
    whole.control("/faults", fault="cut", path="/prompt", after=0)
    with pytest.raises(ConnectionAbortedError):
        whole.prompt()


def test_a_reply_is_cut_in_the_middle_and_its_call_has_taken_effect(whole: Whole) -> None:
    whole.control("/faults", fault="cut", path="/prompt")
    response = whole.prompt()
    text = b"".join(arriving(response))
    assert 0 < len(text) < int(response.headers["Content-Length"])
    assert whole.usage()["ai"]["used"] > 0


def test_control_routes_know_no_faults(whole: Whole) -> None:
    whole.control("/faults", fault="500", path="*", count=None)
    assert whole.control("/faults", http="GET").status_code == 200
    assert whole.get("/v2/health").status_code == 500
