import pytest

from benchmarks.arguments import SCENARIOS, parse


def test_without_arguments_everything_runs() -> None:
    given = parse([])
    assert given.scenarios == list(SCENARIOS)
    assert (given.rounds, given.connections, given.log_events) == (3, 32, 10_000_000)


def test_scenarios_run_in_their_own_order_and_once() -> None:
    assert parse(["process", "accept", "process"]).scenarios == ["accept", "process"]


def test_a_quick_run_is_small_and_what_is_given_besides_counts() -> None:
    given = parse(["--quick", "--seconds", "5"])
    assert (given.rounds, given.seconds, given.log_events, given.kills) == (1, 5, 100_000, 2)


def test_a_number_may_be_written_with_underscores() -> None:
    assert parse(["growth", "--log-events", "100_000"]).log_events == 100_000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["fly"], "there is no scenario fly"),
        (["--connections", "257"], "257 is not between 1 and 256"),
        (["--size", "199"], "199 is not between 200 and 262,144"),
        (["--seconds", "3601"], "3601 is not between 1 and 600"),
        (["--duplicates", "1.5"], "1.5 is not between 0 and 1"),
        (["--rounds", "many"], "invalid"),
        (["reaction", "--duplicates", "0.2"], "reaction can't be had with --duplicates or --no-keep-alive"),
        (["--no-keep-alive"], "accept-paced and reaction can't be had with"),
    ],
)
def test_what_makes_no_sense_is_told(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(arguments)
    assert told in capsys.readouterr().err
