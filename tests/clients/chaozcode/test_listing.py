from typing import Any

import pytest

from clients.chaozcode.listing import Listing
from clients.chaozcode.projects import Project
from clients.errors import MalformedReply


def listed(reply: object, *, text_as: str | None = None) -> Listing[Project]:
    return Listing[Project].of(Project, reply, "projects", text_as=text_as)


@pytest.mark.parametrize(
    "reply",
    [
        [{"id": "a"}, {"id": "b"}],
        {"projects": [{"id": "a"}, {"id": "b"}], "errors": []},
        {"data": [{"id": "a"}, {"id": "b"}], "total": 2, "page": {"next": None}},
        {"data": {"items": [{"id": "a"}, {"id": "b"}]}},
        [{"id": "a"}, None, 7, "c", {"id": "b"}],
    ],
)
def test_a_list_is_found_in_whatever_form_it_comes(reply: Any) -> None:
    projects = listed(reply)

    assert [project.id for project in projects] == ["a", "b"]
    assert (len(projects), projects[-1].id) == (2, "b")


def test_the_rest_of_the_reply_stays_reachable() -> None:
    reply = {"projects": [{"id": "a"}], "nextCursor": "c_2"}

    assert listed(reply).raw is reply
    assert listed([{"id": "a"}]).raw == {"projects": [{"id": "a"}]}


@pytest.mark.parametrize(
    "reply", [{}, {"a": [{"id": "a"}], "b": []}, {"data": {"data": {}}}, {"projects": None}]
)
def test_a_reply_without_a_list_that_can_be_told_is_empty(reply: Any) -> None:
    assert listed(reply).items == ()
    assert not listed(reply)


def test_texts_are_taken_for_objects_only_where_that_is_asked_for() -> None:
    assert [project.name for project in listed(["a"], text_as="name")] == ["a"]
    assert not listed(["a"])


@pytest.mark.parametrize("reply", [None, "x", 3])
def test_what_is_no_list_at_all_is_malformed(reply: object) -> None:
    with pytest.raises(MalformedReply, match="the reply should be a list of projects, but it is"):
        listed(reply)
