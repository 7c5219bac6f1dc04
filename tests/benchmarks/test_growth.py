from benchmarks.board import Board, Metric
from benchmarks.scenarios.growth import say_whether_reached


def rates(**ratios: float) -> Board:
    metrics = tuple(Metric(name=name) for name in ("accept_of_empty", "process_of_empty"))
    board = Board(scenario="growth", title="Growth", metrics=metrics)
    board.add("hooks, SQLite, empty")
    board.add("hooks, SQLite, full", **ratios)
    return board


def test_a_log_that_is_as_fast_when_it_is_full_has_reached_the_aim() -> None:
    told = say_whether_reached(rates(accept_of_empty=0.9, process_of_empty=1.02))
    assert told == "aimed at: 0.9 of an empty log's rates; reached"


def test_what_misses_the_aim_is_named() -> None:
    assert say_whether_reached(rates(accept_of_empty=0.74, process_of_empty=0.93)) == (
        "aimed at: 0.9 of an empty log's rates; NOT REACHED: hooks, SQLite, full (accept 0.74)"
    )
