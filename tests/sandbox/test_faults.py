from random import Random

from sandbox.faults import Faults


def drawn(faults: Faults, kind: str, path: str = "/v2/memory/m1", method: str = "GET") -> bool:
    return faults.draw((kind,), path, method) is not None


def test_a_fault_happens_as_often_as_it_was_set_for() -> None:
    faults = Faults(Random(1))
    faults.add("500", count=2)
    assert [drawn(faults, "500") for _ in range(3)] == [True, True, False]
    assert faults.listed() == []


def test_without_a_count_it_stays_until_it_is_removed() -> None:
    faults = Faults(Random(1))
    fault = faults.add("500", count=None)
    assert all(drawn(faults, "500") for _ in range(50))
    assert faults.remove(fault.id)
    assert not faults.remove(fault.id)
    assert not drawn(faults, "500")


def test_it_befalls_the_paths_methods_and_kinds_that_it_names() -> None:
    faults = Faults(Random(1))
    faults.add("500", matching="/v2/memory/*", method="GET", count=None)
    assert drawn(faults, "500")
    assert not drawn(faults, "500", path="/v2/user/me")
    assert not drawn(faults, "500", method="PUT")
    assert not drawn(faults, "cut")


def test_one_request_uses_up_one_fault_only() -> None:
    faults = Faults(Random(1))
    faults.add("500")
    faults.add("503")
    first = faults.draw(("500", "503"), "/", "GET")
    second = faults.draw(("500", "503"), "/", "GET")
    assert [fault and fault.kind for fault in (first, second)] == ["500", "503"]


def test_by_its_probability_it_happens_now_and_then() -> None:
    faults = Faults(Random(1))
    faults.add("500", count=None, probability=0.25)
    assert 150 < sum(drawn(faults, "500") for _ in range(1000)) < 350


def test_a_draw_that_missed_is_not_counted() -> None:
    faults = Faults(Random(1))
    faults.add("500", count=1, probability=0.1)
    assert sum(drawn(faults, "500") for _ in range(500)) == 1


def test_there_are_never_too_many() -> None:
    faults = Faults(Random(1))
    for _ in range(150):
        faults.add("500", count=None)
    assert len(faults.listed()) == 100
    faults.clear()
    assert faults.listed() == []
