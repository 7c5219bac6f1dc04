"""What the API refuses is told in one line, with what to do."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from clients.chaozcode.errors import (
    Forbidden,
    NotFound,
    RateLimited,
    Unauthorized,
    UnexpectedStatus,
    ValidationFailed,
)
from clients.errors import ApiError, NotConnected
from console.webhooks import webhooks
from console.webhooks.account import open_account

KEY = "cc_dev_hunter2"


@pytest.fixture(autouse=True)
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHAOZCODE_API_KEY", KEY)
    monkeypatch.setenv("CHAOZCODE_API_URL", "http://127.0.0.1:9/v2")
    monkeypatch.setenv("HOOKS_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Unauthorized("x", status=401), "does not accept CHAOZCODE_API_KEY (401)"),
        (Forbidden("x", status=403), "take a development or production key"),
        (RateLimited("x", status=429, retry_after=12), "try again in 12 s"),
        (NotConnected("refused"), "http://127.0.0.1:9/v2 does not answer: refused; run the command again"),
        (
            ValidationFailed(
                "POST /webhooks: ChaozCode answered 422: x [req_7]", status=422, request_id="req_7"
            ),
            "POST /webhooks: ChaozCode answered 422: x [req_7]",
        ),
        (
            NotFound("GET /webhooks: 404", status=404),
            "404; is CHAOZCODE_API_URL right (http://127.0.0.1:9/v2)?",
        ),
        (UnexpectedStatus("GET /webhooks: 502", status=502), "502; run the command again"),
        (ApiError("a line\x1b[31m\nand another"), "a line\\u001b[31m\\u000aand another"),
    ],
)
def test_each_error_becomes_one_line(error: ApiError, words: str) -> None:
    with pytest.raises(click.ClickException) as raised, open_account():
        raise error
    assert words in raised.value.message
    assert raised.value.message.count("ChaozCode answered") < 2
    assert raised.value.message.count("req_7") < 2
    assert "\n" not in raised.value.message
    assert KEY not in raised.value.message


def test_without_a_key_it_says_where_one_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAOZCODE_API_KEY", "")
    for arguments in (
        ["list"],
        ["register", "https://hooks.example.com/"],
        ["test", "wh_1"],
        ["delete", "wh_1"],
    ):
        result = CliRunner().invoke(webhooks, arguments)
        assert result.exit_code == 1
        assert "CHAOZCODE_API_KEY is not set" in result.output
        assert "cc_dev_sandbox" in result.output


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8010/v2", True),
        ("http://localhost:8010/v2", True),
        ("https://127.0.0.1:8010/v2", False),
        ("https://api.chaozcode.com/v2", False),
    ],
)
def test_the_sandbox_is_an_api_on_this_machine_by_plain_http(
    monkeypatch: pytest.MonkeyPatch, url: str, *, here: bool
) -> None:
    monkeypatch.setenv("CHAOZCODE_API_URL", url)
    with open_account() as account:
        assert account.is_here is here


def test_a_url_that_chaozcode_can_not_call_is_told_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHAOZCODE_API_URL", "https://127.0.0.1:9/v2")
    for command in ("register", "rotate"):
        result = CliRunner().invoke(webhooks, [command, "http://localhost:8000/webhooks/chaozcode"])
        assert result.exit_code == 1
        assert "is this machine for ChaozCode's servers too" in result.output
