import pytest

from sandbox.world import World
from tests.sandbox.imitation import Imitation, error_of


def test_an_unknown_route_is_not_found(api: Imitation) -> None:
    for path in ("/nowhere", "", "/", "/models/", "/agents/a/b"):
        response = api.get(path)
        assert response.status_code == 404, path
        assert error_of(response)["code"] == "NOT_FOUND"


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE"])
def test_a_wrong_method_is_told_the_right_ones(api: Imitation, method: str) -> None:
    response = api.call(method, "/models")
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"
    error_of(response)


def test_what_breaks_within_has_the_documented_shape(api: Imitation, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(type(api.world.projects), "all", broken)
    response = api.get("/projects")
    assert response.status_code == 500
    assert error_of(response)["code"] == "INTERNAL_ERROR"
    assert "secret" not in response.text


def test_each_reply_has_a_request_id_of_its_own(api: Imitation) -> None:
    assert isinstance(api.world, World)
    assert error_of(api.get("/x"))["requestId"] != error_of(api.get("/x"))["requestId"]
