"""`hooks up --reload` while somebody edits handlers."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.waiting import wait_until
from tests.system.up import Up, up

HANDLER = """from pathlib import Path
from handlers import Context, Event, Router

router = Router()

@router.on("memory.stored", retries=0, timeout=60)
def speak(event: Event, ctx: Context) -> None:
    import time
    Path(f"began-{event.id}").touch()
    while event.data.get("wait") and not Path("go").exists():
        time.sleep(0.02)
    ctx.log.info("said", words="ONE")
"""


@pytest.fixture
def edited(tmp_path: Path) -> Iterator[Up]:
    """Give one with two workers, and with handlers in a package of the user's."""
    folder = tmp_path / "my_hooks"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "speaking.py").write_text(HANDLER)
    with up(tmp_path, HOOKS_HANDLERS="my_hooks", HOOKS_WORKERS="2", HOOKS_BUILTIN_HANDLERS="0") as it:
        it.arguments = ("--reload",)
        it.start()
        wait_until(lambda: len([line for line in it.lines if "ready, 1 handler" in line]) == 2, 60)
        yield it


def ran(it: Up, event_id: str, *, kind: str = "memory.stored") -> str:
    """Send an event; gives what was printed of it."""
    it.hooks("trigger", kind, "--id", event_id)
    it.wait_for("settled", event_id, seconds=60)
    return "\n".join(line for line in it.lines if event_id in line)


@pytest.mark.long
def test_an_edit_is_taken_up_by_all_workers_and_no_event_is_interrupted(edited: Up) -> None:
    for number in (1, 2):  # both workers are at something
        edited.hooks("trigger", "memory.stored", "--id", f"evt_old_{number}", "--data", '{"wait": true}')
        wait_until((edited.folder / f"began-evt_old_{number}").exists, 30)
    edited.lines.clear()
    file = edited.folder / "my_hooks" / "speaking.py"
    before = file.stat().st_mtime_ns
    file.write_text(HANDLER.replace("ONE", "TWO"))
    # Within the same second and of the same length: Python would take its bytecode for current.
    os.utime(file, ns=(before, before // 10**9 * 10**9 + (before + 1) % 10**9))
    edited.wait_for("reload", "my_hooks/speaking.py changed; workers take it up", seconds=60)
    assert not edited.says("ready,")
    (edited.folder / "go").touch()
    for number in (1, 2):
        edited.wait_for(f"evt_old_{number}", "said", "words=ONE")
        edited.wait_for("settled", f"evt_old_{number}", "done")
        shown = json.loads(edited.hooks("events", "show", f"evt_old_{number}", "--json"))
        assert [(one["state"], one["attempts"]) for one in shown["deliveries"]] == [("done", 1)]
    wait_until(lambda: len([line for line in edited.lines if "ready, 1 handler" in line]) == 2, 60)
    for number in range(4):
        assert "words=TWO" in ran(edited, f"evt_new_{number}")
    assert not edited.says("started again")
    assert edited.interrupt() == 0
    assert edited.left_over() == []


@pytest.mark.long
def test_broken_code_is_shown_once_and_the_old_code_stays_until_it_is_mended(edited: Up) -> None:
    file = edited.folder / "my_hooks" / "speaking.py"
    file.write_text(HANDLER.replace("ctx: Context) ->", "ctx: Context ->"))
    edited.wait_for("reload", "the old code stays", "speaking.py:7", "SyntaxError", seconds=60)
    assert "words=ONE" in ran(edited, "evt_still_old")
    file.write_text(HANDLER.replace("memory.stored", "memory.stord"))
    edited.wait_for("reload", "the old code stays", "did you mean 'memory.stored'?", seconds=60)
    assert "words=ONE" in ran(edited, "evt_old_yet")
    assert len([line for line in edited.lines if "SyntaxError" in line]) == 1
    assert len([line for line in edited.lines if "the old code stays" in line]) == 2
    file.write_text(HANDLER.replace("ONE", "TWO"))
    edited.wait_for("reload", "workers take it up", seconds=60)
    wait_until(lambda: len([line for line in edited.lines if "ready, 1 handler" in line]) == 4, 60)
    assert "words=TWO" in ran(edited, "evt_mended")


@pytest.mark.long
def test_new_handlers_and_what_handlers_import_are_seen_too(edited: Up) -> None:
    (edited.folder / "words.py").write_text("WORDS = 'FIRST'\n")
    listening = HANDLER.replace("memory.stored", "agent.failed").replace("speak", "listen")
    (edited.folder / "my_hooks" / "listening.py").write_text(
        "import words\n" + listening.replace('"ONE"', "words.WORDS")
    )
    edited.wait_for("reload", "my_hooks/listening.py changed", seconds=60)
    wait_until(lambda: len([line for line in edited.lines if "ready, 2 handlers" in line]) == 2, 60)
    assert "words=FIRST" in ran(edited, "evt_first", kind="agent.failed")
    (edited.folder / "words.py").write_text("WORDS = 'OTHER'\n")
    edited.wait_for("reload", "words.py changed", seconds=60)
    wait_until(lambda: len([line for line in edited.lines if "ready, 2 handlers" in line]) == 4, 60)
    assert "words=OTHER" in ran(edited, "evt_other", kind="agent.failed")
