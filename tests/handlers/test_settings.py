"""Where handlers come from, as the environment says."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from handlers.settings import HandlerSettings


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HOOKS_HANDLERS", raising=False)
    monkeypatch.delenv("HOOKS_BUILTIN_HANDLERS", raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_the_builtin_handlers_alone() -> None:
    settings = HandlerSettings()
    assert settings.modules == ()
    assert settings.builtin is True


@pytest.mark.parametrize("text", ["a,b.c", "a b.c", " a ,\n\tb.c, ", "a,b.c,a"])
def test_modules_are_separated_by_commas_or_white_space(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HOOKS_HANDLERS", text)
    assert HandlerSettings().modules == ("a", "b.c")


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_HANDLERS", "")
    monkeypatch.setenv("HOOKS_BUILTIN_HANDLERS", "")
    assert HandlerSettings().modules == ()
    assert HandlerSettings().builtin is True


def test_a_dotenv_file_is_read_and_the_environment_goes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("HOOKS_HANDLERS=from_file\nHOOKS_BUILTIN_HANDLERS=false\nOTHER=1\n")
    monkeypatch.setenv("HOOKS_HANDLERS", "from_environment")
    settings = HandlerSettings()
    assert settings.modules == ("from_environment",)
    assert settings.builtin is False


@pytest.mark.parametrize("text", ["my-hooks", "hooks/billing.py", "a..b", ".a", "1a"])
def test_what_is_no_module_name_is_refused_by_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("HOOKS_HANDLERS", text)
    with pytest.raises(ValidationError) as raised:
        HandlerSettings()
    assert raised.value.errors()[0]["loc"] == ("HOOKS_HANDLERS",)
    assert repr(text) in str(raised.value)


def test_a_wrong_switch_is_refused_by_the_variables_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_BUILTIN_HANDLERS", "perhaps")
    with pytest.raises(ValidationError, match="HOOKS_BUILTIN_HANDLERS"):
        HandlerSettings()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        HandlerSettings().builtin = False  # type: ignore[misc]


def test_every_setting_is_described_and_has_a_variable() -> None:
    for field in HandlerSettings.model_fields.values():
        assert field.description
        assert str(field.validation_alias).startswith("HOOKS_")


def test_a_release_is_a_name_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOKS_RELEASE", raising=False)
    assert HandlerSettings().release is None
    for given, release in ((" 2026.11-1 ", "2026.11-1"), ("", None), ("x" * 128, "x" * 128)):
        monkeypatch.setenv("HOOKS_RELEASE", given)
        assert HandlerSettings().release == release


@pytest.mark.parametrize("text", ["x" * 129, "two\nlines", "a\x1b[2J"])
def test_what_is_no_release_is_refused_by_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("HOOKS_RELEASE", text)
    with pytest.raises(ValidationError, match="HOOKS_RELEASE"):
        HandlerSettings()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HOOKS_NOTIFY_OF_USAGE", "sEcReT", "starts with https://"),
        ("HOOKS_NOTIFY_OF_USAGE", "https:///sEcReT", "starts with https://"),
        ("HOOKS_NOTIFY_OF_USAGE", "https://[sEcReT", "starts with https://"),
        ("HOOKS_MIRROR_MEMORIES", "tabel", "whose name ends with .jsonl"),
    ],
)
def test_a_built_in_handlers_setting_is_checked_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as raised:
        HandlerSettings()
    assert words in str(raised.value)
    assert "sEcReT" not in str(raised.value)


def test_a_built_in_handler_is_on_when_its_setting_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [HandlerSettings().is_on(name) for name in ("log_event", "mirror_memories")] == [True, False]
    monkeypatch.setenv("HOOKS_MIRROR_MEMORIES", "memories.jsonl")
    monkeypatch.setenv("HOOKS_NOTIFY_OF_USAGE", "https://hooks.chat.example/sEcReT")
    settings = HandlerSettings()
    assert settings.is_on("mirror_memories")
    assert settings.is_on("notify_of_usage")
    assert "sEcReT" not in repr(settings)
    monkeypatch.setenv("HOOKS_BUILTIN_HANDLERS", "false")
    assert not any(HandlerSettings().is_on(name) for name in ("log_event", "mirror_memories"))
