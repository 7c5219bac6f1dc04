import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from console.handlers import handlers

MODULE = """
from handlers import Router, RetryPolicy

router = Router()

@router.on("memory.*", "agent.failed", retries=2, timeout=90)
def explain(event, ctx):
    pass

@router.on("memmory.stored", backoff=RetryPolicy(retries=0))
def misspelt(event, ctx):
    pass
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    name = f"handlers_of_{tmp_path.name}".replace("-", "_")
    monkeypatch.setenv("HOOKS_HANDLERS", name)
    path = tmp_path / f"{name}.py"
    path.write_text(MODULE)
    return path


def test_what_is_registered_is_listed_with_its_policy(module: Path) -> None:
    result = CliRunner().invoke(handlers, ["list"])
    assert result.exit_code == 0, result.output
    blocks = result.stdout.split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == ["log_event", "explain", "misspelt"]
    assert blocks[1].splitlines()[1:] == [
        "  events   memory.*, agent.failed",
        "  retries  2, the first after 5 s, doubling up to 1 h, up to 50% less by chance",
        "  timeout  90 s",
        f"  defined  {module.name}:6",
    ]
    assert "  retries  none" in blocks[2]
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "'memmory.stored'" in result.stderr
    assert "did you mean 'memory.stored'?" in result.stderr


def test_machines_get_json(module: Path) -> None:
    result = CliRunner().invoke(handlers, ["list", "--json"])
    assert result.exit_code == 0
    listed = json.loads(result.stdout)
    assert [handler["name"] for handler in listed["handlers"]] == ["log_event", "explain", "misspelt"]
    explain = listed["handlers"][1]
    assert explain["patterns"] == ["memory.*", "agent.failed"]
    assert (explain["retries"], explain["timeout_seconds"]) == (2, 90)
    assert (explain["file"], explain["line"]) == (str(module), 6)
    assert len(listed["warnings"]) == 1


def test_a_broken_module_is_named(module: Path) -> None:
    module.write_text("import no_such_thing\n")
    result = CliRunner().invoke(handlers, ["list"])
    assert result.exit_code == 1
    assert f"{module}:1" in result.output
    assert "no_such_thing" in result.output


def test_none_at_all_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOOKS_HANDLERS", raising=False)
    monkeypatch.setenv("HOOKS_BUILTIN_HANDLERS", "0")
    result = CliRunner().invoke(handlers, ["list"])
    assert result.exit_code == 0
    assert "HOOKS_HANDLERS" in result.output
