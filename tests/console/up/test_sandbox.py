"""What `hooks up` tells the processes of its sandbox."""

from pathlib import Path

import pytest

from clients.settings import ApiSettings
from console.up.sandbox import sandbox_environment, sandbox_greeting
from sandbox.chucky.token import SANDBOX_TOKEN
from sandbox.settings import SandboxSettings

RECEIVER = "http://127.0.0.1:8000/webhooks/chaozcode"


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (
        "CHAOZCODE_API_KEY",
        "CHAOZCODE_API_URL",
        "CHUCKY_TOKEN",
        "CHUCKY_URL",
        "HOOKS_SANDBOX_HOST",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOOKS_SANDBOX_PORT", "8099")


def given() -> dict[str, str]:
    return sandbox_environment(SandboxSettings(), ApiSettings(), receiver_url=RECEIVER)


CHAOZCODE = {"CHAOZCODE_API_URL": "http://127.0.0.1:8099/v2", "CHAOZCODE_API_KEY": "cc_dev_sandbox"}
CHUCKY = {"CHUCKY_URL": "http://127.0.0.1:8099", "CHUCKY_TOKEN": SANDBOX_TOKEN}
WEBHOOK = {"HOOKS_SANDBOX_WEBHOOK_URL": RECEIVER}


def test_with_nothing_set_both_apis_are_the_sandboxs() -> None:
    assert given() == WEBHOOK | CHAOZCODE | CHUCKY


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("CHAOZCODE_API_KEY=cc_live_mine", WEBHOOK | CHUCKY),
        ("CHAOZCODE_API_URL=https://elsewhere.example", WEBHOOK | CHUCKY),
        ("CHUCKY_TOKEN=a.b.c", WEBHOOK | CHAOZCODE),
        ("CHUCKY_URL=https://elsewhere.example", WEBHOOK | CHAOZCODE),
        ("CHAOZCODE_API_KEY=", WEBHOOK | CHAOZCODE | CHUCKY),
        ("HOOKS_SANDBOX_WEBHOOK_URL=http://127.0.0.1:9/", CHAOZCODE | CHUCKY),
    ],
)
@pytest.mark.parametrize("is_in_the_environment", [True, False])
def test_what_the_user_has_set_stays(
    monkeypatch: pytest.MonkeyPatch, line: str, expected: dict[str, str], *, is_in_the_environment: bool
) -> None:
    if is_in_the_environment:
        monkeypatch.setenv(*line.split("=", 1))
    else:
        Path(".env").write_text(line + "\n")
    assert given() == expected


def test_the_greeting_names_a_command_for_where_it_is() -> None:
    assert "curl http://127.0.0.1:8099/v2/memory/store " in sandbox_greeting(SandboxSettings())


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:8099"), ("::1", "http://[::1]:8099"), ("box", "http://box:8099")],
)
def test_its_url_is_one_that_can_be_called(monkeypatch: pytest.MonkeyPatch, host: str, url: str) -> None:
    monkeypatch.setenv("HOOKS_SANDBOX_HOST", host)
    assert SandboxSettings().url == url
