import importlib
import json
import pkgutil
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import clients.chaozcode
from clients.chaozcode.listing import Listing
from clients.chaozcode.undocumented import read_loosely
from clients.reply import Reply, _plan

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("2026-01-30T12:00:00Z"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def every_result() -> list[type[Reply]]:
    found = set()
    for name in pkgutil.iter_modules(clients.chaozcode.__path__, "clients.chaozcode."):
        for value in vars(importlib.import_module(name.name)).values():
            if isinstance(value, type) and issubclass(value, Reply) and value not in {Reply, Listing}:
                found.add(value)
    return sorted(found, key=lambda kind: kind.__name__)


def test_there_are_results_to_check() -> None:
    assert {"Completion", "FoundMemory", "Agent", "Webhook", "CallUsage"} <= {
        each.__name__ for each in every_result()
    }


@given(kind=st.sampled_from(every_result()), data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_json_object_can_be_read_and_is_given_back_unchanged(
    kind: type[Reply], data: st.DataObject
) -> None:
    names = [name for _, wire_names, _ in _plan(kind) for name in wire_names]  # type: ignore[arg-type]
    objects = st.dictionaries(st.sampled_from(names) | st.text(max_size=8), JSON, max_size=6)
    document = data.draw(objects)
    before = json.dumps(document)

    for reply in (kind.from_json(document), read_loosely(kind, document, "data")):
        assert reply.raw is document
        assert json.dumps(reply.raw) == before
        assert isinstance(repr(reply), str)


@given(document=JSON)
@settings(max_examples=100, deadline=None)
def test_any_json_can_be_read_where_the_reply_is_not_documented(document: Any) -> None:
    reply = read_loosely(clients.chaozcode.projects.Project, document, "project")

    assert json.dumps(document) in json.dumps(reply.raw) or document is None
