"""One subject's events run one by one in the order of their arrival, whatever happens meanwhile."""

import random

import pytest

from eventlog.database import EventLog
from eventlog.detail import read_detail
from eventlog.hand_on import hand_on
from eventlog.hold import Hold
from eventlog.leases import claim, new_lease
from eventlog.lines import release_line
from eventlog.listing import read_page
from eventlog.outcome import Woken
from eventlog.replay_feed import feed
from eventlog.replays import create
from eventlog.selection import Selection
from eventlog.states import State
from tests.eventlog.lane import HANDLER, LONG, Lane, Run


@pytest.fixture
def lane(log: EventLog) -> Lane:
    return Lane(log=log)


def test_the_first_of_a_subject_runs_and_those_behind_it_are_parked(lane: Lane) -> None:
    lane.arrive("e1", "e2", "e3")
    lane.hop("e1", "e2", "e3")
    assert lane.states() == {"e1": "queued", "e2": "parked", "e3": "parked"}
    assert [job.event_id for job in lane.jobs] == ["e1"]
    assert set(lane.event_states().values()) == {"waiting"}


def test_who_ends_wakes_the_next_and_leaves_the_line(lane: Lane) -> None:
    lane.arrive("e1", "e2")
    lane.hop("e1", "e2")
    _, (run,) = lane.claim("e1", "e2")
    lane.end(run)
    assert lane.states() == {"e1": "done", "e2": "queued"}
    assert lane.event_states() == {"e1": "done", "e2": "waiting"}
    assert [job.event_id for job in lane.jobs] == ["e1", "e2"]
    assert lane.standing() == ["e2"]


def test_while_one_waits_for_its_retry_those_behind_it_stay_parked(lane: Lane) -> None:
    lane.arrive("e1", "e2")
    lane.hop("e1", "e2")
    _, (run,) = lane.claim("e1")
    lane.end(run, State.WAITING)
    assert lane.states() == {"e1": "waiting", "e2": "parked"}
    assert lane.claim("e2")[1] == []
    assert lane.sweep() == ["e1"]
    _, (again,) = lane.claim("e1", "e2")
    assert again.claimed.event.id == "e1"
    lane.end(again)
    assert lane.states() == {"e1": "done", "e2": "queued"}


def test_other_subjects_are_not_slowed(lane: Lane) -> None:
    lane.arrive("e1", "e2", subject="a1")
    lane.arrive("e3", subject="a2")
    lane.hop("e1", "e2", "e3")
    _, runs = lane.claim("e1", "e2", "e3")
    assert [run.claimed.event.id for run in runs] == ["e1", "e3"]


def test_an_earlier_event_that_was_not_handed_on_yet_is_not_overtaken(lane: Lane) -> None:
    lane.arrive("e1", "e2")
    lane.hop("e2")  # another worker was quicker than the one that has e1
    assert lane.states() == {"e1": "queued", "e2": "parked"}
    assert lane.claim("e2")[1] == []
    _, (run,) = lane.claim("e1")
    lane.end(run)
    assert lane.states() == {"e1": "done", "e2": "queued"}
    assert lane.event_states() == {"e1": "queued", "e2": "waiting"}
    lane.hop("e1")
    assert lane.event_states() == {"e1": "done", "e2": "waiting"}
    assert lane.states() == {"e1": "done", "e2": "queued"}


def test_events_of_other_types_stand_in_no_line(lane: Lane) -> None:
    lane.arrive("m1", event_type="memory.stored")
    lane.arrive("e2")
    lane.hop("e2")
    assert lane.states() == {"e2": "queued"}


def test_events_without_a_subject_have_a_line_of_their_own(lane: Lane) -> None:
    lane.arrive("e1", "e2", subject=None)
    lane.arrive("e3", subject="a1")
    lane.hop("e2", "e3")
    assert lane.states() == {"e1": "queued", "e2": "parked", "e3": "queued"}


def test_a_dead_one_lets_the_others_go_on(lane: Lane) -> None:
    lane.arrive("e1", "e2")
    lane.hop("e1", "e2")
    _, (run,) = lane.claim("e1")
    lane.end(run, State.DEAD)
    assert lane.states() == {"e1": "dead", "e2": "queued"}
    assert lane.event_states()["e1"] == "dead"


def test_a_dead_one_holds_the_line_until_it_is_let_go(lane: Lane) -> None:
    lane.holds = True
    lane.arrive("e1", "e2")
    lane.hop("e1", "e2")
    _, (run,) = lane.claim("e1")
    lane.end(run, State.DEAD)
    lane.arrive("e3")
    lane.hop("e3")
    assert lane.states() == {"e1": "dead", "e2": "parked", "e3": "parked"}
    with lane.log.write() as connection:
        (woken,) = release_line(connection, run.claimed.seq, HANDLER)
    assert woken.event_id == "e2"
    assert lane.states() == {"e1": "dead", "e2": "queued", "e3": "parked"}
    assert lane.standing() == ["e2", "e3"]


def test_events_with_a_parked_delivery_are_found_by_that(lane: Lane) -> None:
    lane.arrive("e1", "e2")
    lane.hop("e1", "e2")
    page = read_page(lane.log, Selection(state=State.PARKED), limit=10)
    assert [event.id for event in page.events] == ["e2"]


@pytest.mark.parametrize("state", [State.DONE, State.DEAD])
def test_a_replay_of_a_dead_one_runs_before_those_it_holds_and_frees_them(lane: Lane, state: State) -> None:
    lane.holds = True
    lane.arrive("e1", "e2")
    lane.hop("e1", "e2")
    _, (run,) = lane.claim("e1")
    lane.end(run, State.DEAD)
    replay = create(lane.log, selection=Selection(ids=("e1",)), handlers={HANDLER: ["agent.*"]}, who="me")
    feed(lane.log, replay, turn=10, choose=lambda handlers, _type: list(handlers))
    moved = Moving(lane, replay).move("e1")
    assert [job.event_id for job in moved] == ["e1"]
    _, (again,) = lane.claim("e1", replay=replay)
    lane.end(again, state)
    assert lane.states() == {"e1": "dead", "e2": "queued" if state is State.DONE else "parked"}


class Moving:
    """Claims a replay's deliveries as they were fed, and hands them on."""

    def __init__(self, lane: Lane, replay: int) -> None:
        self._lane = lane
        self._replay = replay

    def move(self, *ids: str) -> list[Woken]:
        hold = Hold(lease=new_lease(), replay=self._replay)
        claimed = claim(self._lane.log, hold, ids, duration=LONG)
        placements = [self._lane.placement(one) for one in claimed]
        return list(hand_on(self._lane.log, hold, placements).woken)


SUBJECTS = ("a1", "a2", None)


@pytest.mark.long_on_both(otherwise="postgresql")
@pytest.mark.parametrize("telling", range(3))
@pytest.mark.parametrize("holds", [False, True])
def test_the_order_holds_over_random_interleavings_retries_and_lost_leases(
    lane: Lane, holds: bool, telling: int
) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    lane.holds = holds
    story = Story(lane, random.Random(seed))
    for _ in range(120):
        story.go_on()
    story.drain()
    story.check()


class Story:
    """What may happen, in any order, and what was seen."""

    def __init__(self, lane: Lane, chance: random.Random) -> None:
        self._lane = lane
        self._chance = chance
        self._subject: dict[str, str | None] = {}
        self._running: list[Run] = []
        self._zombies: list[Run] = []
        """Runs whose lease was lost; they may still try to record an outcome."""
        self._began: list[str] = []
        self._ended: list[tuple[str, State]] = []
        self._held: set[str] = set()

    def go_on(self) -> None:
        step = self._chance.choice(
            [self._arrive, self._hop, self._claim, self._claim, self._end, self._end, self._lose, self._sweep]
        )
        step()

    def drain(self) -> None:
        for _ in range(30 * len(self._subject)):
            if set(self._lane.event_states().values()) <= {"done", "dead"} and not self._running:
                return
            self._hop()
            self._sweep()
            self._claim()
            while self._running:
                self._end(State.DONE)
            self._let_go()
        raise AssertionError(f"never done: {self._lane.states()} {self._lane.event_states()}")

    def check(self) -> None:
        arrival = list(self._subject)
        for subject in SUBJECTS:
            began = [arrival.index(each) for each in self._began if self._subject[each] == subject]
            assert began == sorted(began), f"{subject}: {began}"
        assert {event_id for event_id, _ in self._ended} == set(arrival)
        assert self._lane.standing() == []

    def _arrive(self) -> None:
        event_id = f"e{len(self._subject)}"
        subject = self._chance.choice(SUBJECTS)
        self._subject[event_id] = subject
        self._lane.arrive(event_id, subject=subject)

    def _hop(self) -> None:
        queued = [each for each, state in self._lane.event_states().items() if state == "queued"]
        self._chance.shuffle(queued)
        if queued:
            self._lane.hop(*queued[: self._chance.randint(1, 3)])

    def _claim(self) -> None:
        queued = [each for each, state in self._lane.states().items() if state == "queued"]
        if not queued:
            return
        self._chance.shuffle(queued)
        _, runs = self._lane.claim(*queued[: self._chance.randint(1, len(queued))])
        busy = {self._subject[run.claimed.event.id] for run in self._running}
        for run in runs:
            assert self._subject[run.claimed.event.id] not in busy, "two of one subject ran at one time"
            busy.add(self._subject[run.claimed.event.id])
            self._began.append(run.claimed.event.id)
        self._running += runs

    def _end(self, state: State | None = None) -> None:
        if self._zombies and self._chance.random() < 0.5:
            zombie = self._zombies.pop()
            assert self._lane.end(zombie) == {zombie.claimed.seq}
        if not self._running:
            return
        run = self._running.pop(self._chance.randrange(len(self._running)))
        state = state or self._chance.choice([State.DONE, State.WAITING, State.DEAD])
        assert self._lane.end(run, state) == set()
        if state is not State.WAITING:
            self._ended.append((run.claimed.event.id, state))
        if state is State.DEAD:
            self._held.add(run.claimed.event.id)

    def _lose(self) -> None:
        """A worker is killed, or stopped for longer than its leases: all of them are over."""
        self._zombies += self._running
        self._running = []
        self._lane.sweep()

    def _sweep(self) -> None:
        if not self._running:
            self._lane.sweep()

    def _let_go(self) -> None:
        for run_id in sorted(self._held):
            with self._lane.log.write() as connection:
                release_line(connection, self._seq(run_id), HANDLER)
        self._held.clear()

    def _seq(self, event_id: str) -> int:
        detail = read_detail(self._lane.log, event_id)
        assert detail is not None
        return detail.seq
