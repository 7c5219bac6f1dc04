import pytest

from benchmarks.arguments import SCENARIOS, parse
from benchmarks.duration import estimate, in_words


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_is_estimated_and_a_quick_one_is_shorter(scenario: str) -> None:
    assert 5 < estimate(scenario, parse([scenario, "--quick"])) < estimate(scenario, parse([scenario]))


def test_five_minutes_of_load_on_one_database_are_no_more_than_eight() -> None:
    given = parse(["end-to-end", "--seconds", "300", "--rounds", "1", "--on", "sqlite"])
    assert 300 < estimate("end-to-end", given) < 480


def test_a_time_is_given_in_words() -> None:
    assert (in_words(42.4), in_words(150)) == ("42 s", "2 min")
