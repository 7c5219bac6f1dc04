import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from console.replays import replays
from eventlog import leases
from eventlog.database import EventLog
from eventlog.hold import Hold
from eventlog.replays import create
from eventlog.schema import upgrade
from eventlog.selection import Selection
from eventlog.states import State
from tests.console.stored import LEASE, feed_all, run, store


@pytest.fixture
def log(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventLog]:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    opened = EventLog.open(sqlite_url)
    upgrade(opened)
    store(opened, "evt_1", "evt_2")
    run(opened, {"remember": State.DONE}, "evt_1", "evt_2")
    yield opened
    opened.close()


def hooks_replays(*arguments: str) -> Result:
    return CliRunner().invoke(replays, arguments)


def make(log: EventLog, selection: Selection | None = None) -> int:
    return create(
        log,
        selection=selection or Selection(type="memory.*", state=State.DONE),
        handlers={"remember": ["memory.*"]},
        rate=7,
        who="ann@desk",
        reason="the disk was full",
    )


def test_replays_are_listed_the_newest_first(log: EventLog) -> None:
    make(log)
    make(log, Selection(ids=("evt_1",)))
    make(log, Selection(ids=("evt_1", "evt_2")))
    make(log, Selection())
    result = hooks_replays("list")
    assert result.exit_code == 0
    lines = result.output.splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["4", "3", "2", "1"]
    assert " --all " in lines[0]
    assert " 2 ids " in lines[1]
    assert " evt_1 " in lines[2]
    assert "--type memory.* --state done" in lines[3]
    assert "ann@desk" in lines[3]
    listed = json.loads(hooks_replays("list", "--json", "--limit", "2").stdout)["replays"]
    assert [replay["replay"] for replay in listed] == [4, 3]
    assert listed[1]["selection"] == {"ids": ["evt_1", "evt_2"]}


def test_an_empty_list_says_so(log: EventLog) -> None:
    assert "no replays yet" in hooks_replays("list").output
    assert json.loads(hooks_replays("list", "--json").stdout) == {"replays": []}


def test_one_is_shown_with_what_came_of_it(log: EventLog) -> None:
    number = make(log)
    run(log, {"remember": State.DEAD}, *feed_all(log)[number], replay=number)
    result = hooks_replays("show", str(number))
    assert result.exit_code == 0
    assert "ann@desk" in result.output
    assert "the disk was full" in result.output
    assert "at most 7 deliveries a second" in result.output
    assert "Replay 1 is done. 2 events, 2 deliveries: 2 dead." in result.output
    assert result.output.splitlines()[-1].split() == ["evt_2", "remember", "KeyError:", "'colour'"]
    shown = json.loads(hooks_replays("show", str(number), "--json").stdout)
    assert shown["deliveries"] == {"dead": 2}
    assert shown["handlers"] == {"remember": ["memory.*"]}


def test_whether_it_keeps_effects_is_shown(log: EventLog) -> None:
    keeps = create(log, selection=Selection(), handlers={"remember": ["*"]}, keep_effects=True, who="ann")
    assert "keep effects  yes" in hooks_replays("show", str(keeps)).output
    assert "keep effects" not in hooks_replays("show", str(make(log))).output
    listed = json.loads(hooks_replays("list", "--json").stdout)["replays"]
    assert [replay["keep_effects"] for replay in listed] == [False, True]


def test_a_replay_in_the_queue_can_be_cancelled_once(log: EventLog) -> None:
    number = make(log)
    feed_all(log)
    leases.claim(log, Hold(lease=leases.new_lease(), replay=number), ["evt_1"], duration=LEASE)
    result = hooks_replays("cancel", str(number))
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "Replay 1 is cancelled: 2 events handed out before, 1 delivery withdrawn.",
        "1 delivery running now will still end, and not be tried again.",
    ]
    again = hooks_replays("cancel", str(number))
    assert again.exit_code == 1
    assert "replay 1 is cancelled: there is nothing to stop" in again.output


def test_a_replay_that_was_not_begun_can_be_cancelled(log: EventLog) -> None:
    number = make(log)
    assert "0 events handed out before" in hooks_replays("cancel", str(number)).output
    assert feed_all(log) == {}


def test_a_finished_replay_has_nothing_to_stop(log: EventLog) -> None:
    number = make(log)
    run(log, {"remember": State.DONE}, *feed_all(log)[number], replay=number)
    result = hooks_replays("cancel", str(number))
    assert result.exit_code == 1
    assert "replay 1 is done: there is nothing to stop" in result.output


@pytest.mark.parametrize("command", ["show", "cancel"])
def test_an_unknown_replay_is_a_failure(log: EventLog, command: str) -> None:
    result = hooks_replays(command, "99")
    assert result.exit_code == 1
    assert "there is no replay 99" in result.output
    assert hooks_replays(command, "first").exit_code == 2
