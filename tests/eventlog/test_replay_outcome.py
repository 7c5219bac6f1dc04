from eventlog.database import EventLog
from eventlog.replay_outcome import DeadDelivery, read_dead
from eventlog.replays import create
from eventlog.schema import upgrade
from eventlog.selection import Selection
from eventlog.states import State
from tests.console.stored import feed_all, run, store


def test_the_dead_of_one_replay_are_read_with_why(database_url: str) -> None:
    log = EventLog.open(database_url)
    upgrade(log)
    store(log, "one", "two")
    run(log, {"explain": State.DEAD}, "one", "two")
    number = create(log, selection=Selection(), handlers={"explain": ["*"]}, who="a test")
    ids = feed_all(log)[number]
    run(log, {"explain": State.DEAD}, ids[0], replay=number)
    run(log, {"explain": State.DONE}, ids[1], replay=number)
    assert read_dead(log, number, limit=10) == [
        DeadDelivery(event_id="one", handler="explain", error_type="KeyError", message="'colour'\nand more")
    ]
    assert read_dead(log, number, limit=0) == []
    log.close()
