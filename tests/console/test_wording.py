"""Wrong settings are told in one line each, and no secret with them."""

import pytest
from pydantic import ValidationError

from console.wording import settings_errors
from receiver.settings import ReceiverSettings


def test_what_concerns_several_variables_repeats_none_of_their_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHAOZCODE_WEBHOOK_SECRET", "hunter2hunter2")
    monkeypatch.setenv("HOOKS_INTAKE_BYTES", "2048")
    with pytest.raises(ValidationError) as raised:
        ReceiverSettings()
    (line,) = settings_errors(raised.value)
    assert line.startswith("HOOKS_INTAKE_BYTES must be at least HOOKS_MAX_BODY_BYTES")
    assert "hunter2" not in line


def test_a_wrong_value_is_named_with_what_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAOZCODE_WEBHOOK_SECRET", "hunter2hunter2")
    monkeypatch.setenv("PORT", "zero")
    with pytest.raises(ValidationError) as raised:
        ReceiverSettings()
    (line,) = settings_errors(raised.value)
    assert line.startswith("PORT: 'zero' was given;")
