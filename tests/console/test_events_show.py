import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.events import events
from console.events.body import SHOWN_CHARACTERS, readable
from eventlog.acceptance import record
from eventlog.database import EventLog
from eventlog.detail import read_detail
from eventlog.effects import StepsOnRecord
from eventlog.states import State
from tests.eventlog.stored import accept, an_event, opened, replay, run


@pytest.fixture
def log(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[EventLog]:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.chdir(tmp_path)
    log = opened(sqlite_url)
    yield log
    log.close()


def show(*arguments: str) -> Result:
    return CliRunner().invoke(events, ["show", *arguments])


def test_everything_about_an_event_is_shown(log: EventLog) -> None:
    record(log, [an_event("evt_1", "agent.failed", subject="agent-7", body=b'{"id":"evt_1","n":[1,2]}')])
    run(log, "evt_1", {"explain": State.DEAD, "count": State.DONE}, message="no such agent")
    run(log, "evt_1", {"explain": State.SKIPPED}, in_replay=replay(log, "evt_1", "explain"), note="not now")
    output = show("evt_1").output
    assert output.startswith("evt_1  agent.failed  dead\n")
    original, again = output.split("Original run")[1].split("Replay 1")
    assert "agent-7" in output
    assert "explain  dead   1         12 ms" in original
    assert "count    done" in original
    assert ": ValueError: no such agent\n  Traceback (most recent call last):\n    File" in original
    assert "explain  skipped" in again
    assert "not now" in again
    assert output.endswith('Body (24 bytes)\n{\n  "id": "evt_1",\n  "n": [\n    1,\n    2\n  ]\n}\n')


def test_steps_on_record_are_listed_with_their_results(log: EventLog) -> None:
    accept(log, "a")
    run(log, "a", {"one": State.DONE})
    again = replay(log, "a", "one")
    seq = log_seq(log, "a")
    for number, key, result in ((0, "ask\x1b", '{"answer":[42]}'), (again, "ask", f'"{"x" * 500}"')):
        StepsOnRecord(log=log, seq=seq, handler="one", replay=number, lease="").record(key, result)
    first, second = show("a").output.split("Steps on record (ctx.once)\n")[1].splitlines()[1:3]
    assert first.split()[:2] == ["one", r"ask\u001b"]
    assert first.endswith('{"answer":[42]}')
    assert second.split()[:3] == ["one", str(again), "ask"]
    assert second.endswith(f'"{"x" * 99}... all of it: --json')
    effects = json.loads(show("a", "--json").output)["effects"]
    assert [(one["handler"], one["replay"], one["key"], one["result"]) for one in effects] == [
        ("one", 0, "ask\x1b", {"answer": [42]}),
        ("one", again, "ask", "x" * 500),
    ]
    assert effects[0]["recorded_at"].endswith("Z")


def log_seq(log: EventLog, event_id: str) -> int:
    detail = read_detail(log, event_id)
    assert detail is not None
    return detail.seq


def test_an_event_that_waits_says_until_when(log: EventLog) -> None:
    accept(log, "a")
    run(log, "a", {"one": State.WAITING}, note="the API asked for it")
    output = show("a").output
    assert "next attempt" in output
    assert "the API asked for it" in output


def test_raw_gives_the_exact_bytes_and_nothing_else(log: EventLog) -> None:
    body = b' {"id":"a" ,\r\n"id":"\xc3\xa9\\u00e9\x1b"}\x00\xff\n\n'
    record(log, [an_event("a", body=body)])
    assert show("a", "--raw").stdout_bytes == body


def test_another_body_is_told_of_and_given_by_its_number(log: EventLog) -> None:
    record(log, [an_event("a", body=b"first")])
    record(log, [an_event("a", body=b"re-serialised")])
    output = show("a").output
    assert "Another body under this id" in output
    assert "13 bytes" in output
    assert show("a", "--body", "2").stdout_bytes == b"re-serialised"
    assert show("a", "--body", "1").stdout_bytes == b"first"
    none = show("a", "--body", "3")
    assert none.exit_code == 1
    assert "has no body 3: there are 2" in none.output


def test_json_is_one_object(log: EventLog) -> None:
    body = '{"id": "a", "ü": 1}\n'
    record(log, [an_event("a", subject="m1", body=body.encode())])
    record(log, [an_event("a", body=b"\xff")])
    run(log, "a", {"one": State.DEAD})
    shown = json.loads(show("a", "--json").output)
    assert (shown["id"], shown["type"], shown["state"]) == ("a", "memory.stored", "dead")
    assert (shown["subject"], shown["seen"], shown["due_at"]) == ("m1", 2, None)
    (delivery,) = shown["deliveries"]
    assert (delivery["handler"], delivery["state"], delivery["attempts"], delivery["replay"]) == (
        "one",
        "dead",
        1,
        0,
    )
    (failure,) = shown["failures"]
    assert (failure["error_type"], failure["message"]) == ("ValueError", "no such agent")
    assert [kept["bytes"] for kept in shown["bodies"]] == [len(body.encode()), 1]
    assert shown["body"] == body


def test_a_body_that_is_no_text_is_base64_in_json(log: EventLog) -> None:
    record(log, [an_event("a", body=b"\xff\x00")])
    shown = json.loads(show("a", "--json").output)
    assert base64.b64decode(shown["body_base64"]) == b"\xff\x00"
    assert "body" not in shown


def test_an_unknown_id_fails_with_a_hint(log: EventLog) -> None:
    result = show("evt_\x1b[31mnope")
    assert result.exit_code == 1
    assert "there is no event" in result.output
    assert "hooks events list" in result.output
    assert "\x1b" not in result.output


def test_two_ways_to_show_are_wrong_usage(log: EventLog) -> None:
    assert show("a", "--raw", "--json").exit_code == 2
    assert show("a", "--raw", "--body", "2").exit_code == 2


def test_what_steers_a_terminal_is_shown_and_not_sent(log: EventLog) -> None:
    nasty = "\x1b[2J\x9b[bold]\r\u202e"
    record(log, [an_event("a", subject=nasty, body=f'{{"x": "{chr(0x9B)}"}}'.encode())])
    run(log, "a", {"one": State.DEAD}, message=nasty, traceback=f"Traceback\n  {nasty}\n", note=nasty)
    output = show("a").output
    assert not {"\x1b", "\x9b", "\r", "\u202e"} & set(output)
    assert output.count(r"\u001b[2J\u009b[bold]\u000d\u202e") == 4
    assert r'"x": "\u009b"' in output


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"a":1,"a":2}', '{\n  "a": 1,\n  "a": 2\n}'),
        (b'{"n":' + b"9" * 5000 + b"}", '{\n  "n": ' + "9" * 5000 + "\n}"),
        (b'[1.000, 1E400, -0, "\\u00e9\\"}{"]', '[\n  1.000,\n  1E400,\n  -0,\n  "\\u00e9\\"}{"\n]'),
        (b'{"e":[],"o":{ },"l":[ [ ] ]}', '{\n  "e": [],\n  "o": {},\n  "l": [\n    []\n  ]\n}'),
        (b" 3 ", "3"),
    ],
)
def test_json_is_indented_and_not_altered(body: bytes, shown: str) -> None:
    assert readable(body) == (shown, None)


@pytest.mark.parametrize(
    ("body", "shown", "note"),
    [
        (b"{'a': 1}", "{'a': 1}", "this is not JSON"),
        (b"[NaN]", "[NaN]", "this is not JSON"),
        (b"a\xff\x1b", r"a\xff\u001b", "this is not UTF-8"),
        (b"", "", "this is not JSON"),
    ],
)
def test_what_is_no_json_is_shown_as_text(body: bytes, shown: str, note: str) -> None:
    assert readable(body) == (shown, note)


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"1," * 100_000 + b"1]",
        b'"' + b"x" * 200_000 + b'"',
        b"[" * 400 + b"1," * 50_000 + b"1" + b"]" * 400,
        b"[" * 100_000 + b"]" * 100_000,
    ],
)
def test_a_long_body_is_cut_with_a_note(body: bytes) -> None:
    shown, note = readable(body)
    assert len(shown) == SHOWN_CHARACTERS
    assert note is not None
    assert f"cut here; the body has {len(body):,} bytes" in note
