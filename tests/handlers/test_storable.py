"""Text made fit for the event log."""

from hypothesis import given
from hypothesis import strategies as st

from handlers.storable import storable, storable_ends

anything = st.text(st.characters(codec=None, exclude_categories=[]))


@given(anything, st.integers(0, 50))
def test_text_has_utf8_and_no_nul_and_keeps_its_limit(text: str, limit: int) -> None:
    result = storable(text, limit)
    result.encode("utf-8")
    assert "\0" not in result
    assert len(result) == min(len(text), limit)


def test_only_what_cannot_be_stored_is_replaced() -> None:
    assert storable("a\0b\ud800c\U0001f600é\n", 100) == "a\ufffdb\ufffdc\U0001f600é\n"


def test_other_values_are_printed() -> None:
    assert storable(None, 100) == "None"
    assert storable(5, 100) == "5"


def test_a_value_that_cannot_be_printed_is_survived() -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise SystemExit(1)

    assert "Unprintable raised SystemExit" in storable(Unprintable(), 1000)


def test_a_short_text_keeps_its_middle() -> None:
    assert storable_ends("x" * 100, 100) == "x" * 100


@given(st.integers(101, 5000))
def test_a_long_text_keeps_head_and_tail_within_the_limit(length: int) -> None:
    text = "<" + "x" * (length - 2) + ">"
    result = storable_ends(text, 100)
    assert len(result) == 100
    assert result.startswith("<x")
    assert result.endswith("x>")
    assert "left out" in result
