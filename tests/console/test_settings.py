"""How many workers the queues of handlers get, as HOOKS_QUEUE_WORKERS says."""

import pytest
from pydantic import ValidationError

from console.settings import UpSettings


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", {}),
        ("slow=3", {"slow": 3}),
        ("slow=3 mail=2", {"slow": 3, "mail": 2}),
        ("a=1,b=64", {"a": 1, "b": 64}),
    ],
)
def test_it_names_queues_with_numbers(
    text: str, numbers: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKS_QUEUE_WORKERS", text)
    assert UpSettings().queue_workers == numbers


@pytest.mark.parametrize("text", ["slow", "slow=", "=3", "slow=0", "slow=65", "slow=many", "slow=1.5"])
def test_what_it_can_not_say_is_refused_with_an_example(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_QUEUE_WORKERS", text)
    with pytest.raises(ValidationError, match=r"a number from 1 to 64: write slow=3 mail=2"):
        UpSettings()
