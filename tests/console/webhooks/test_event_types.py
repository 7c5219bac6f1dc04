"""Which types of events a webhook is for."""

import click
import pytest

from clients.chaozcode.webhooks import EVENT_TYPES
from console.webhooks.event_types import EventTypes


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("agent.failed", ("agent.failed",)),
        ("agent.failed,memory.stored agent.failed", ("memory.stored", "agent.failed")),
        ("agent.*", ("agent.started", "agent.completed", "agent.failed")),
        ("*", EVENT_TYPES),
        ("all", EVENT_TYPES),
    ],
)
def test_types_and_families_are_understood(asked: str, meant: tuple[str, ...]) -> None:
    assert EventTypes().convert(asked, None, None) == meant


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("memory.stord", "did you mean memory.stored?"),
        ("Agent.Failed", "did you mean agent.failed?"),
        ("zzz", "there are memory.stored"),
        (" , ", "name at least one"),
    ],
)
def test_a_misspelt_type_is_told(asked: str, words: str) -> None:
    with pytest.raises(click.BadParameter) as raised:
        EventTypes().convert(asked, None, None)
    assert words in raised.value.message
