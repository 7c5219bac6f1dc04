"""`client.query` and `client.models`, against the sandbox and the description."""

from clients.chaozcode.client import ChaozCode
from tests.api.documents import parameters_of
from tests.api.wire import HeldWire

MESSAGES = [
    {"role": "system", "content": "You are a helpful coding assistant."},
    {"role": "user", "content": "How do I create a React hook?"},
]


def test_a_prompt_is_completed(chaozcode: ChaozCode, wire: HeldWire) -> None:
    completion = chaozcode.query(
        "Explain the difference between REST and GraphQL",
        model="gpt-4",
        system_prompt="Be brief.",
        temperature=0.7,
        max_tokens=1000,
        top_p=0.9,
        stop=["\n\n"],
        stream=False,
        context={"memories": ["api-style"]},
    )
    assert completion.id
    assert completion.text
    assert completion.model == "gpt-4"
    assert completion.usage is not None
    assert completion.usage.total_tokens
    assert completion.finish_reason
    assert completion.created_at is not None
    assert wire.parameters_sent("POST /query") == parameters_of("POST /query")


def test_a_prompt_is_completed_piece_by_piece(chaozcode: ChaozCode, wire: HeldWire) -> None:
    with chaozcode.query.stream(
        "Explain the difference between REST and GraphQL",
        model="gpt-4",
        system_prompt="Be brief.",
        temperature=0.7,
        max_tokens=1000,
        top_p=0.9,
        stop=["\n\n"],
        context={"memories": ["api-style"]},
    ) as stream:
        parts = list(stream)
    assert parts[0].type == "start"
    assert {part.type for part in parts[1:-1]} == {"delta"}
    assert parts[-1].type == "done"
    assert stream.id
    assert stream.text
    assert stream.usage is not None
    assert stream.usage.total_tokens
    # It streams in any case.
    assert wire.parameters_sent("POST /query/stream") == parameters_of("POST /query/stream") - {"stream"}


def test_a_conversation_goes_on(chaozcode: ChaozCode, wire: HeldWire) -> None:
    first = chaozcode.query.chat(MESSAGES, model="gpt-4")
    assert first.conversation_id
    second = chaozcode.query.chat(
        [{"role": "user", "content": "With useState?"}], conversation_id=first.conversation_id
    )
    assert second.conversation_id == first.conversation_id
    assert second.text or second.message
    assert wire.parameters_sent("POST /query/chat") == parameters_of("POST /query/chat")


def test_the_models_are_listed(chaozcode: ChaozCode) -> None:
    models = {model.id: model for model in chaozcode.models.list()}
    assert {"gpt-4", "claude-3-sonnet"} <= set(models)
    assert models["gpt-4"].context_window == 128_000
    assert models["gpt-4"].capabilities
