import threading

from sandbox.later import Timetable


def test_what_is_due_first_is_called_first() -> None:
    called: list[str] = []
    done = threading.Event()
    table = Timetable()
    table.call(0.2, done.set)
    table.call(0.1, lambda: called.append("later"))
    table.call(0, lambda: called.append("at once"))
    assert done.wait(20)
    assert called == ["at once", "later"]
    table.close()


def test_a_call_that_breaks_ends_no_other() -> None:
    done = threading.Event()
    table = Timetable()
    table.call(0, lambda: 1 / 0)
    table.call(0, done.set)
    assert done.wait(20)
    table.close()


def test_nothing_is_called_once_it_is_closed() -> None:
    called: list[int] = []
    table = Timetable()
    table.call(3600, lambda: called.append(1))
    table.close()
    assert called == []
    assert not [thread for thread in threading.enumerate() if thread.name == "sandbox-later"]


def test_it_can_be_closed_before_anything_was_asked_for() -> None:
    Timetable().close()
