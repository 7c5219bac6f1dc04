"""The page that a child shares with its parent, with real processes where one of them dies."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventlog.states import State
from tests.servers.waiting import wait_until
from workers.page import _SLOTS_AT, Note, Running, SharedPage

runnings = st.builds(
    Running,
    seq=st.integers(1, 2**62),
    event_id=st.text(st.characters(codec="utf-8"), max_size=85),
    handler=st.text("abc_.-", min_size=1, max_size=200),
    attempt=st.integers(1, 10**6),
    failures=st.integers(0, 10**6),
    version=st.text("0123456789abcdef", max_size=64),
    started_at=st.datetimes(timezones=st.just(UTC)),
    timeout_seconds=st.floats(0.001, 10**7),
    kill_at=st.floats(0, 10**9),
    state_after_crash=st.sampled_from([State.DEAD, State.WAITING]),
    retry_after_crash=st.none() | st.timedeltas(timedelta(0), timedelta(days=366)),
)
notes = st.builds(
    Note,
    is_ready=st.booleans(),
    lease=st.none() | st.text("0123456789abcdef", min_size=32, max_size=32),
    replay=st.integers(0, 2**62),
    running=st.none() | runnings,
)

RUNNING = Running(
    seq=7,
    event_id="evt_1",
    handler="h",
    attempt=2,
    failures=2,
    version="abc",
    started_at=datetime(2026, 1, 30, tzinfo=UTC),
    timeout_seconds=30,
    kill_at=1234.5,
    state_after_crash=State.WAITING,
    retry_after_crash=timedelta(seconds=9.25),
)


@pytest.fixture
def page() -> Iterator[SharedPage]:
    made = SharedPage.create()
    yield made
    made.close()


def test_a_new_page_says_that_nothing_is_held(page: SharedPage) -> None:
    assert page.read() == Note()
    assert page.owner == os.getpid()


@given(written=st.lists(notes, min_size=1, max_size=4))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_newest_note_is_read_as_it_was_written(page: SharedPage, written: list[Note]) -> None:
    for note in written:
        page.write(note)
        assert page.read() == note
    assert page.owner == os.getpid()


@given(former=notes, torn=notes, share=st.floats(0, 1))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_write_that_was_cut_short_leaves_the_former_note(
    page: SharedPage, former: Note, torn: Note, share: float
) -> None:
    page.write(former)
    count, before = page._memory[0], page._memory[:]
    page.write(torn)
    # What a killed writer leaves: some of the other slot is new, and the count of writes is old.
    after = page._memory[:]
    written = [place for place in range(_SLOTS_AT, len(after)) if after[place] != before[place]]
    for place in written[int(len(written) * share) :]:
        page._memory[place] = before[place]
    page._memory[0] = count
    assert page.read() == former


def test_of_a_delivery_that_has_ended_no_more_is_read_than_of_its_claim(page: SharedPage) -> None:
    page.write(Note(is_ready=True, lease="a", replay=3, queue="slow", running=RUNNING))
    page.end_running()
    assert page.read() == Note(is_ready=True, lease="a", replay=3, queue="slow")
    page.write(Note(is_ready=True, lease="a", running=RUNNING))
    assert page.read().running == RUNNING


def test_the_longest_note_fits_into_its_slot(page: SharedPage) -> None:
    note = Note(
        is_ready=True,
        lease="f" * 32,
        replay=2**62,
        running=Running(
            seq=2**62,
            event_id="\x7f" * 255,
            handler="h" * 200,
            attempt=10**9,
            failures=10**9,
            version="v" * 64,
            started_at=datetime.max.replace(tzinfo=UTC),
            timeout_seconds=1e300 / 3,
            kill_at=1e300 / 3,
            state_after_crash=State.WAITING,
            retry_after_crash=timedelta(days=366, microseconds=-1),
        ),
    )
    page.write(Note())
    for _ in range(2):  # one for each slot
        page.write(note)
        assert page.read() == note


_WRITER = """
import sys
from workers.page import Note, SharedPage
page = SharedPage(int(sys.argv[1]))
number = 0
while True:
    number += 1
    page.write(Note(is_ready=True, lease=str(number % 10) * (1 + number % 3000), replay=number))
"""


def test_what_a_process_killed_while_writing_leaves_is_whole(page: SharedPage) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(page.descriptor)], pass_fds=(page.descriptor,)
    )
    try:
        wait_until(lambda: page.read().replay > 100)
        seen = [page.read() for _ in range(5000)]  # while it writes, too
    finally:
        writer.kill()
        writer.wait()
    for note in [*seen, page.read()]:
        assert note.lease == str(note.replay % 10) * (1 + note.replay % 3000)
    assert [note.replay for note in seen] == sorted(note.replay for note in seen)
