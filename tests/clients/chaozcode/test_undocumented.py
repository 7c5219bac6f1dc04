import pytest

from clients.chaozcode.projects import Project
from clients.chaozcode.undocumented import read_loosely


@pytest.mark.parametrize(
    "reply",
    [
        {"id": "a", "name": "Shop"},
        {"project": {"id": "a", "name": "Shop"}},
        {"data": {"id": "a", "name": "Shop"}},
        {"ok": True, "id": "a", "project": {"id": "b", "name": "Shop"}},
        {"data": {"id": "b", "name": "?"}, "project": {"id": "a", "name": "Shop"}},
    ],
)
def test_a_resource_is_found_in_whatever_object_it_comes(reply: dict[str, object]) -> None:
    assert read_loosely(Project, reply, "project") == Project(raw=reply, id="a", name="Shop")
    assert read_loosely(Project, reply, "project").raw is reply


def test_no_reply_is_an_empty_resource_and_what_is_no_object_is_kept() -> None:
    assert read_loosely(Project, None, "project") == Project(raw={})
    assert read_loosely(Project, [1], "project") == Project(raw={"reply": [1]})
