import pytest

from tests.sandbox.imitation import DEVELOPMENT, PRODUCTION, READONLY, RESTRICTED, Imitation, error_of

FIGURES = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-RateLimit-RetryAfter")


@pytest.mark.parametrize("key", [None, "", "cc_dev_unknown", "ключ"])
def test_without_a_known_key_nothing_is_answered(api: Imitation, key: str | None) -> None:
    response = api.get("/user/me", key=key.encode().decode("latin-1") if key else key)
    assert response.status_code == 401
    assert error_of(response)["code"] == "UNAUTHORIZED"


def test_another_scheme_is_no_key(api: Imitation) -> None:
    response = api.app.test_client().get("/v2/user/me", headers={"Authorization": f"Basic {DEVELOPMENT}"})
    assert error_of(response)["code"] == "UNAUTHORIZED"


def test_no_error_holds_the_key(api: Imitation) -> None:
    assert "cc_dev_secret" not in api.get("/user/me", key="cc_dev_secret").text


def test_health_needs_no_key(api: Imitation) -> None:
    assert api.get("/health", key=None).json == {"status": "ok"}


@pytest.mark.parametrize("key", [DEVELOPMENT, PRODUCTION])
def test_two_types_of_key_may_do_everything(api: Imitation, key: str) -> None:
    assert api.get("/user/me", key=key).status_code == 200
    assert api.post("/memory/search", {"query": "x"}, key=key).status_code == 200
    assert api.call("PATCH", "/user/me", {}, key=key).status_code == 200


def test_a_readonly_key_may_get_only(api: Imitation) -> None:
    assert api.get("/user/me", key=READONLY).status_code == 200
    assert api.call("HEAD", "/user/me", key=READONLY).status_code == 200
    for response in (
        api.post("/memory/search", {"query": "x"}, key=READONLY),
        api.call("DELETE", "/memory/x", key=READONLY),
    ):
        assert response.status_code == 403
        assert error_of(response)["code"] == "FORBIDDEN"


def test_a_restricted_key_may_call_some_endpoints(api: Imitation) -> None:
    assert api.post("/memory/search", {"query": "x"}, key=RESTRICTED).status_code == 200
    assert api.get("/memory/unknown", key=RESTRICTED).status_code == 404
    assert api.post("/query", {"prompt": "x"}, key=RESTRICTED).status_code == 200
    for method, path in (("GET", "/memory/stats"), ("GET", "/user/me"), ("POST", "/memory/store")):
        assert api.call(method, path, {}, key=RESTRICTED).status_code == 403


def test_a_restricted_key_can_be_made_for_other_endpoints(api: Imitation) -> None:
    body = {"type": "restricted", "endpoints": ["DELETE /memory/{id}"]}
    key = api.post("/user/api-keys", body).json["key"]  # type: ignore[index]
    assert api.call("DELETE", "/memory/unknown", key=key).status_code == 404
    assert api.get("/memory/unknown", key=key).status_code == 403


def test_every_reply_carries_the_figures(api: Imitation) -> None:
    for response in (
        api.get("/user/me"),
        api.post("/query/stream", {"prompt": "x"}),
        api.get("/user/me", key=None),
        api.get("/nowhere"),
        api.post("/models"),
        api.post("/query", {}),
        api.get("/models", key="cc_unknown"),
    ):
        assert all(response.headers[name].isdigit() for name in FIGURES), response.request.path


def test_a_call_that_there_is_not_has_the_figures_of_its_key(api: Imitation) -> None:
    known = api.get("/models").headers["X-RateLimit-Limit"]
    assert api.get("/nowhere").headers["X-RateLimit-Limit"] == known
    assert api.post("/models").headers["X-RateLimit-Limit"] == known
    assert api.get("/nowhere", key=None).headers["X-RateLimit-Limit"] != known


def test_past_the_burst_calls_are_refused_until_the_named_wait_is_over() -> None:
    api = Imitation(plan="pro")
    for _ in range(100):
        assert api.get("/models").status_code == 200
    refused = api.get("/models")
    assert refused.status_code == 429
    assert error_of(refused)["code"] == "RATE_LIMITED"
    assert [refused.headers[name] for name in FIGURES] == [
        "60",
        "0",
        str(int(api.clock.at.timestamp()) + 100),
        "1",
    ]
    api.clock.pass_by(0.99)
    assert api.get("/models").status_code == 429
    api.clock.pass_by(0.01)
    assert api.get("/models").status_code == 200


def test_each_key_has_its_own_limit() -> None:
    api = Imitation(plan="free")
    for _ in range(20):
        api.get("/models")
    assert api.get("/models").status_code == 429
    assert api.get("/models", key=READONLY).status_code == 200


def test_a_refused_call_counts_for_the_limit_but_an_unknown_key_does_not() -> None:
    api = Imitation(plan="free")
    for _ in range(19):
        api.post("/query", {})
    api.get("/models", key="cc_unknown")
    assert api.get("/models").headers["X-RateLimit-Remaining"] == "0"
    assert api.post("/query", {}).status_code == 429


def test_passing_a_share_of_the_usage_limit_sends_an_event_once() -> None:
    api = Imitation(usage_limit=5)
    api.subscribe("usage.threshold")
    counts = []
    for _ in range(7):
        api.get("/models")
        counts.append(len(api.emitted()))
    assert counts == [0, 0, 0, 1, 2, 2, 2]
    assert api.emitted() == [
        (
            "usage.threshold",
            {"threshold": share, "usage": usage, "limit": 5, "resetAt": "2026-02-01T00:00:00Z"},
        )
        for share, usage in ((0.8, 4), (1.0, 5))
    ]
