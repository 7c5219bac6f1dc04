import pytest

from benchmarks.figures import in_turns, percentile, spread


def test_a_spread_is_the_median_with_its_extremes() -> None:
    found = spread([5.0, 1.0, 2.0])
    assert (found.median, found.low, found.high) == (2.0, 1.0, 5.0)
    assert spread([1.0, 2.0]).median == 1.5


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1.0), (1, 1.0), (50, 50.0), (99, 99.0), (99.5, 100.0), (100, 100.0)]
)
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    values = [float(each) for each in range(100, 0, -1)]
    assert percentile(values, percent) == expected


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_every_candidate_has_its_turn_in_each_round_and_each_begins_one() -> None:
    turns = list(in_turns(["a", "b", "c"], 4))
    assert [name for number, name in turns if number == 1] == ["b", "c", "a"]
    assert [name for number, name in turns if number == 3] == ["a", "b", "c"]
    assert sorted(turns) == [(number, name) for number in range(4) for name in "abc"]
    assert list(in_turns([], 2)) == []
