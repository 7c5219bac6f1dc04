"""Log lines stay short, whatever a handler logs."""

import json
from enum import StrEnum
from typing import Any

import pytest

from console.log_bounds import FIELD_CHARACTERS, FIELDS, bounded


class Hostile:
    def __repr__(self) -> str:
        raise ValueError("no")


class Colour(StrEnum):
    RED = "red"


def line(**fields: Any) -> dict[str, Any]:
    return dict(bounded(None, "info", dict(fields)))


@pytest.mark.parametrize("value", ["short", 7, 0.5, None, True, [1, {"a": "b"}], {"a": [1]}, Colour.RED])
def test_what_is_short_stays_as_it_is(value: object) -> None:
    assert line(field=value) == {"field": value}


@pytest.mark.parametrize(
    "value",
    ["x" * 10**7, b"x" * 10**7, ["x" * 10**6] * 10, {"a": {"b": "x" * 10**7}}, 10**5000, Hostile(),
     [Hostile()]],
    ids=["text", "bytes", "list", "dict", "integer", "raises", "raises inside"],
)  # fmt: skip
def test_what_is_long_or_cannot_be_shown_is_cut(value: object) -> None:
    text = line(field=value)["field"]
    assert isinstance(text, str)
    assert len(json.dumps(text)) < FIELD_CHARACTERS + 100


def test_what_even_hides_its_class_is_told_of() -> None:
    class Hidden:
        @property  # type: ignore[misc]
        def __class__(self) -> type:
            raise ValueError("no")

    assert line(field=Hidden())["field"].endswith("Hidden, which can't be shown: ValueError>")


def test_of_a_long_text_both_ends_are_kept() -> None:
    text = line(field="begin" + "x" * 10**6 + "end")["field"]
    assert text.startswith("begin")
    assert text.endswith("end")
    assert "characters left out" in text


def test_fields_without_number_are_left_out_beyond_a_bound() -> None:
    many = {f"field{number}": number for number in range(10_000)}
    assert list(line(**many, event="verb")) == [f"field{number}" for number in range(FIELDS)] + ["event"]
