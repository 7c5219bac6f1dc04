import pytest

from sandbox.chaozcode.completion import complete


def test_the_same_question_has_the_same_answer() -> None:
    assert complete("x", model="gpt-4", max_tokens=99) == complete("x", model="gpt-4", max_tokens=99)
    assert (
        complete("x", model="gpt-4", max_tokens=99).text != complete("y", model="gpt-4", max_tokens=99).text
    )


def test_it_ends_at_the_tokens_that_it_may_have() -> None:
    cut = complete("one two three", model="gpt-4", max_tokens=2)
    assert (len(cut.text), cut.completion_tokens, cut.finish_reason) == (8, 2, "length")


def test_it_ends_before_the_first_stop_sequence() -> None:
    stopped = complete("one two three", model="gpt-4", max_tokens=99, stop=["three", "", "two", "absent"])
    assert stopped.text.endswith("one ")
    assert stopped.finish_reason == "stop"


def test_a_long_prompt_is_echoed_in_part() -> None:
    assert len(complete("x" * 100_000, model="gpt-4", max_tokens=4096).text) < 1_000


@pytest.mark.parametrize("prompt", ["", " ", "  two  spaces ", "line\n\nline"])
def test_the_pieces_make_up_the_text(prompt: str) -> None:
    completion = complete(prompt, model="gpt-4", max_tokens=99)
    assert "".join(completion.pieces()) == completion.text
    assert all(completion.pieces())
