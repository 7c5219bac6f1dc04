from tests.clients.chaozcode.one_reply import OneReply


def test_models_are_listed_with_what_they_can_do_and_cost(api: OneReply) -> None:
    api.json = {
        "models": [
            {
                "id": "gpt-4",
                "name": "GPT-4",
                "provider": "openai",
                "contextWindow": 128000,
                "inputPrice": 0.03,
                "outputPrice": 0.06,
                "capabilities": ["chat", "code", "analysis"],
            },
            {"id": "claude-3-sonnet", "released": True},
        ]
    }

    gpt_4, sonnet = api.client.models.list()

    assert api.asked == ("GET", "/v2/models")
    assert (gpt_4.id, gpt_4.name, gpt_4.provider) == ("gpt-4", "GPT-4", "openai")
    assert (gpt_4.context_window, gpt_4.input_price, gpt_4.output_price) == (128000, 0.03, 0.06)
    assert gpt_4.capabilities == ("chat", "code", "analysis")
    assert (sonnet.context_window, sonnet.capabilities, sonnet.raw["released"]) == (None, (), True)
