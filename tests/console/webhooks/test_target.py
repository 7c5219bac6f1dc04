"""Which URLs can be registered, as far as the URL tells."""

import click
import pytest

from console.webhooks.target import require_callable


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hooks.example.com/webhooks/chaozcode", "ChaozCode calls HTTPS URLs only"),
        ("https://localhost/webhooks/chaozcode", "is this machine"),
        ("http://127.0.0.1:8000/webhooks/chaozcode", "is this machine"),
        ("https://[::1]/webhooks/chaozcode", "is this machine"),
        ("https://10.1.2.3/x", "10.1.2.3, an address of a private network"),
        ("https://192.168.0.7/x", "an address of a private network"),
        ("https://169.254.1.1/x", "an address of a private network"),
        ("https://[fd00::1]/x", "an address of a private network"),
        ("https://0.0.0.0/x", "an address of a private network"),
        ("https://nas/x", "a name of a private network"),
        ("https://nas.local/x", "a name of a private network"),
        ("https://app.internal/x", "a name of a private network"),
        ("ftp://hooks.example.com", "is no URL of a receiver"),
        ("hooks.example.com/webhooks", "is no URL of a receiver"),
        ("https://", "no URL"),
        ("https://a b/", "no URL"),
        ("https://user:hunter2@hooks.example.com/", "neither a user"),
        ("https://hooks.example.com/#x", "nor a part after #"),
    ],
)
def test_what_chaozcode_can_not_call_is_told_in_one_line(url: str, words: str) -> None:
    with pytest.raises(click.ClickException) as raised:
        require_callable(url, api_is_here=False, look_up_names=False)
    assert words in raised.value.message
    assert "\n" not in raised.value.message
    assert "hunter2" not in raised.value.message


def test_a_name_that_is_private_here_is_told_unless_that_is_not_to_be_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.9.8.7", 0))])
    with pytest.raises(click.ClickException, match=r"10\.9\.8\.7 here.*--no-check"):
        require_callable("https://hooks.example.org/x", api_is_here=False)
    require_callable("https://hooks.example.org/x", api_is_here=False, look_up_names=False)
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("93.184.215.14", 0))])
    require_callable("https://hooks.example.org/x", api_is_here=False)


def test_where_the_api_is_on_this_machine_the_receiver_may_be_too() -> None:
    for url in ("http://127.0.0.1:8000/x", "http://localhost:8000/x", "https://[::1]:8000/x"):
        require_callable(url, api_is_here=True)
    with pytest.raises(click.ClickException, match="HTTPS URLs only"):
        require_callable("http://hooks.example.com/x", api_is_here=True)
