"""With only `hooks up`: act on the sandbox, its event arrives, a handler calls both APIs, the log tells."""

import json
from pathlib import Path

import httpx2

from tests.servers.waiting import wait_until
from tests.system.up import Up, up

HANDLER = """
from handlers import Context, Event, Router

router = Router()


@router.on("memory.stored")
def summarise(event: Event, ctx: Context) -> None:
    if event.subject.endswith("-summary"):
        return
    memory = ctx.chaozcode.memory.get(event.subject)
    summary = ctx.once("ask", lambda: ctx.chucky.prompt(f"Sum up: {memory.content}").text)
    ctx.once("store", lambda: ctx.chaozcode.memory.store(id=f"{event.subject}-summary", content=summary))
"""


def test_an_event_of_the_sandbox_is_handled_with_both_apis(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(HANDLER)
    with up(tmp_path, HOOKS_HANDLERS="mine", HOOKS_BUILTIN_HANDLERS="0") as running:
        running.with_sandbox = True
        running.start()
        assert running.says("curl", f"{running.sandbox_url}/v2/memory/store")
        with httpx2.Client(
            base_url=running.sandbox_url,
            headers={"Authorization": "Bearer cc_dev_sandbox"},
            trust_env=False,
            timeout=20,
        ) as api:
            _act_and_look(running, api)
        assert running.interrupt() == 0
        assert running.left_over() == []


def _act_and_look(running: Up, api: httpx2.Client) -> None:
    api.post("/_sandbox/chucky/replies", json={"text": "A green fox.", "match": "fox"})
    # It is signed wrongly at first, and comes again.
    api.post("/_sandbox/faults", json={"fault": "bad_signature"})
    stored = api.post("/v2/memory/store", json={"id": "m1", "content": "The fox is green."})
    assert stored.status_code == 201

    running.wait_for("refused", "401")
    event_id = wait_until(lambda: _delivered(api), 60)[0]
    running.wait_for("settled", event_id, "done", seconds=60)
    shown = json.loads(running.hooks("events", "show", event_id, "--json"))
    assert (shown["type"], shown["state"]) == ("memory.stored", "done")
    assert [(each["handler"], each["state"]) for each in shown["deliveries"]] == [("summarise", "done")]
    assert api.get("/v2/memory/m1-summary").json()["content"] == "A green fox."
    # Storing the summary sent an event of its own, which ends the chain.
    wait_until(lambda: len(_delivered(api)) == 2, 60)
    running.wait_for("settled", _delivered(api)[1], "done")


def _delivered(api: httpx2.Client) -> list[str]:
    deliveries = api.get("/_sandbox/deliveries").json()["deliveries"]
    return [each["eventId"] for each in deliveries if each["state"] == "delivered"]
