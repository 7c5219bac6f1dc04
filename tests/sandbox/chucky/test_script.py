from hypothesis import given
from hypothesis import strategies as st

from sandbox.chucky.script import Answer, Script, Scripted


def ask(script: Script, message: str) -> Answer:
    return script.answer(message, system_prompt="", session_id="s")


def test_replies_come_in_order_and_each_as_often_as_it_says() -> None:
    script = Script()
    script.add([Scripted(text="one"), Scripted(text="two", left=2), Scripted(text="on and on", left=None)])
    assert [ask(script, "?").text for _ in range(5)] == ["one", "two", "two", "on and on", "on and on"]
    script.clear()
    assert ask(script, "?").text == "You said: ?"


def test_a_reply_for_a_message_goes_before_those_for_any() -> None:
    script = Script()
    script.add([Scripted(text="any", left=None), Scripted(text="disk", match="disk")])
    assert [ask(script, text).text for text in ("a disk", "a disk", "no")] == ["disk", "any", "any"]


def test_pieces_of_a_stream_may_be_given() -> None:
    script = Script()
    script.add([Scripted(text="Hello", pieces=("He", "", "llo"))])
    said = [message["text"] for message in ask(script, "?").streamed()]
    assert said == ["He", "", "llo", "Hello"]


@given(st.text())
def test_the_pieces_are_the_text_whatever_it_is(text: str) -> None:
    script = Script()
    script.add([Scripted(text=text)])
    assert "".join(ask(script, "?").pieces) == text
