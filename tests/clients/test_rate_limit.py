from datetime import UTC, datetime, timedelta

import pytest
from httpx2 import Headers

from clients.rate_limit import RateLimit, named_wait, seconds_of

NOW = datetime(2026, 1, 30, 12, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


def test_the_documented_headers_are_read() -> None:
    documented = Headers(
        {
            "X-RateLimit-Limit": "60",
            "X-RateLimit-Remaining": "45",
            "X-RateLimit-Reset": "1706652000",
            "X-RateLimit-RetryAfter": "30",
        }
    )
    assert RateLimit.read(documented, NOW) == RateLimit(
        limit=60, remaining=45, reset=datetime(2024, 1, 30, 22, tzinfo=UTC), retry_after=30
    )


def test_without_headers_nothing_is_known() -> None:
    assert RateLimit.read({}, NOW) == RateLimit()


@pytest.mark.parametrize(
    "garbage",
    ["", " ", "soon", "-5", "1e5", "nan", "inf", "٣", "0x10", "9" * 400, "1,000", "30; q=1", "\x00"],
)
def test_garbage_is_passed_over(garbage: str) -> None:
    names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-RateLimit-RetryAfter")
    headers = {**dict.fromkeys(names, garbage), "Retry-After": garbage}
    assert RateLimit.read(headers, NOW) == RateLimit()
    assert named_wait(429, headers, NOW) is None


@pytest.mark.parametrize("status", [200, 201, 400, 401, 402, 404, 500, 502])
def test_only_429_and_503_are_told_to_wait(status: int) -> None:
    headers = {"X-RateLimit-RetryAfter": "30", "Retry-After": "30", "X-RateLimit-Reset": str(EPOCH + 30)}
    assert named_wait(status, headers, NOW) is None
    assert [named_wait(each, headers, NOW) for each in (429, 503)] == [30, 30]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-RateLimit-RetryAfter": "30"}, 30),
        ({"X-RateLimit-RetryAfter": " 1.5 "}, 1.5),
        ({"Retry-After": "30"}, 30),
        ({"Retry-After": "Fri, 30 Jan 2026 12:00:30 GMT"}, 30),
        ({"Retry-After": "Friday, 30-Jan-26 12:00:30 GMT"}, 30),
        ({"Retry-After": "Fri Jan 30 12:00:30 2026"}, 30),
        ({"X-RateLimit-Reset": str(EPOCH + 30)}, 30),
        ({"X-RateLimit-Reset": f"{EPOCH + 30}.5"}, 30.5),
        ({"X-RateLimit-Reset": str((EPOCH + 30) * 1000)}, 30),
        ({"X-RateLimit-Reset": "30"}, 30),
        # By the server's clock, where it tells that.
        ({"X-RateLimit-Reset": str(EPOCH + 7230), "Date": "Fri, 30 Jan 2026 14:00:00 GMT"}, 30),
        ({"Retry-After": "Fri, 30 Jan 2026 14:00:30 GMT", "Date": "Fri, 30 Jan 2026 14:00:00 GMT"}, 30),
        # The first that is usable.
        ({"X-RateLimit-RetryAfter": "5", "Retry-After": "6", "X-RateLimit-Reset": str(EPOCH + 7)}, 5),
        ({"X-RateLimit-RetryAfter": "x", "Retry-After": "6", "X-RateLimit-Reset": str(EPOCH + 7)}, 6),
        ({"X-RateLimit-RetryAfter": "0", "Retry-After": "x", "X-RateLimit-Reset": str(EPOCH + 7)}, 7),
        ({"X-RateLimit-RetryAfter": "30000", "Retry-After": "9" * 12}, 30_000),
        ({"X-RateLimit-RetryAfter": "9" * 12, "Retry-After": "6"}, 6),
        # Never none at all.
        ({"X-RateLimit-RetryAfter": "0"}, 1),
        ({"Retry-After": "Fri, 30 Jan 2026 11:00:00 GMT"}, 1),
        # A time that is past, or far off, is none.
        ({"X-RateLimit-Reset": str(EPOCH - 30)}, None),
        ({"X-RateLimit-Reset": str(EPOCH + 30 * 86_400)}, None),
        ({"X-RateLimit-Reset": "9" * 17}, None),
        ({"X-RateLimit-RetryAfter": "100000"}, None),
        ({"Retry-After": "Fri, 30 Jan 2027 11:00:00 GMT"}, None),
        ({"Retry-After": "Fri, 30 Jan 99999 11:00:00 GMT"}, None),
    ],
)
def test_the_wait_is_taken_from_the_first_header_that_is_usable(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert named_wait(429, Headers(headers), NOW) == seconds


def test_a_reset_in_a_reply_s_figures_is_aware_and_the_wait_on_retry_after_too() -> None:
    read = RateLimit.read({"X-RateLimit-Reset": "90", "Retry-After": "Fri, 30 Jan 2026 12:00:30 GMT"}, NOW)
    assert read == RateLimit(reset=NOW + timedelta(seconds=90), retry_after=30)


def test_a_date_that_is_past_is_no_wait_and_what_is_neither_is_none() -> None:
    assert seconds_of("Fri, 30 Jan 2026 11:00:00 GMT", NOW) == 0
    assert seconds_of("1.5", NOW) is None
    assert seconds_of(None, NOW) is None
