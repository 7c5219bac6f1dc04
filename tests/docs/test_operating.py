"""docs/operating.md: the commands that it shows exist, and its certificate works."""

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from console.main import hooks
from receiver.settings import ReceiverSettings
from receiver.tls_settings import TlsSettings
from tests.docs.markdown import examples
from tests.system.up import ROOT

PAGE = ROOT / "docs" / "operating.md"


def shown_commands() -> list[str]:
    lines = [
        line.partition("  #")[0].strip() for block in examples(PAGE, "sh") for line in block.splitlines()
    ]
    return [line for line in lines if line.startswith("hooks ")]


@pytest.mark.parametrize("line", [line for line in shown_commands() if "webhooks" in line])
def test_each_command_about_webhooks_takes_what_it_is_shown_with(line: str) -> None:
    _, group, name, *arguments = shlex.split(line)
    context = click.Context(hooks)
    commands = hooks.get_command(context, group)
    assert isinstance(commands, click.Group)
    command = commands.get_command(context, name)
    assert command is not None
    command.make_context(name, list(arguments))


def test_the_certificate_that_it_makes_is_one_that_the_receiver_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (make,) = [block for block in examples(PAGE, "sh") if block.startswith("openssl ")]
    (settings,) = [block for block in examples(PAGE, "text") if "HOOKS_TLS_CERT" in block]
    subprocess.run(make, shell=True, cwd=tmp_path, capture_output=True, timeout=60, check=True)
    (tmp_path / ".env").write_text(settings)
    monkeypatch.chdir(tmp_path)
    assert TlsSettings().scheme == "https"


def test_its_proxy_lets_the_largest_body_through() -> None:
    (proxy,) = examples(PAGE, "nginx")
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", proxy)
    assert int(megabytes) * 1024 * 1024 >= ReceiverSettings.model_fields["max_body_bytes"].default
