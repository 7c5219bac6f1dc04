"""Patterns: one type, a family, or all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.event import KNOWN_TYPES
from handlers.errors import InvalidPattern
from handlers.pattern import check, knows, matches, misspelt

segments = st.text(st.characters(categories=["Ll", "Lu", "Nd"], include_characters="_-:"), min_size=1)
types = st.lists(segments, min_size=1, max_size=4).map(".".join)


@pytest.mark.parametrize(
    "pattern", [*KNOWN_TYPES, "memory.*", "a.b.*", "*", "ping", "not.documented", "a-b:c"]
)
def test_types_families_and_the_star_are_patterns(pattern: str) -> None:
    check(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["", ".", "memory.", ".stored", "memory..stored",
     "*.stored", "memory.sto*", "memory*", "**", "memory.*.*",
     "memory.stored,memory.updated", "memory.stored memory.updated", "memory.stored\n", " *", "a\0b",
     "memory.[su]*",
     None, 5, b"memory.stored", ["memory.stored"]],
)  # fmt: skip
def test_anything_else_is_refused_and_named(pattern: object) -> None:
    with pytest.raises(InvalidPattern) as raised:
        check(pattern)
    assert repr(pattern) in str(raised.value)
    assert '"memory.*"' in str(raised.value)


@given(types)
def test_a_type_matches_itself_and_the_star_matches_it(event_type: str) -> None:
    check(event_type)
    assert matches(event_type, event_type)
    assert matches("*", event_type)


@given(types, types)
def test_a_type_matches_no_other_type(one: str, other: str) -> None:
    assert matches(one, other) == (one == other)


@given(types, types)
def test_a_family_matches_all_below_it_and_not_the_bare_family(family: str, rest: str) -> None:
    check(f"{family}.*")
    assert matches(f"{family}.*", f"{family}.{rest}")
    assert not matches(f"{family}.*", family)
    assert not matches(f"{family}.*", f"{family}.")
    assert not matches(f"{family}.*", f"x{family}.{rest}")
    assert not matches(f"{family}.*", f"{family}x.{rest}")


def test_case_counts() -> None:
    assert not matches("memory.stored", "Memory.Stored")
    assert not matches("memory.*", "MEMORY.stored")


@pytest.mark.parametrize("pattern", [*KNOWN_TYPES, "memory.*", "agent.*", "project.*", "usage.*", "*"])
def test_documented_types_and_their_families_are_known(pattern: str) -> None:
    assert knows(pattern)


@pytest.mark.parametrize("pattern", ["memory.store", "memories.*", "memory.stored.*", "memory"])
def test_patterns_without_a_documented_type_are_not_known(pattern: str) -> None:
    assert not knows(pattern)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("memory.stord", "memory.stored"),
        ("memory.store", "memory.stored"),
        ("Memory.Stored", "memory.stored"),
        ("memory_stored", "memory.stored"),
        ("agent.fail", "agent.failed"),
        ("agents.failed", "agent.failed"),
        ("agents.*", "agent.*"),
        ("agent", "agent.*"),
        ("usage", "usage.*"),
    ],
)
def test_a_slip_is_told_from_a_type_of_its_own(written: str, meant: str) -> None:
    assert misspelt(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        *KNOWN_TYPES,
        "*",
        "memory.*",
        "memory.created",
        "project.deleted",
        "agent.paused",
        "usage.reset",
        "user.*",
        "a.b",
    ],
)
def test_a_type_of_its_own_is_taken_for_no_slip(written: str) -> None:
    assert misspelt(written) is None
