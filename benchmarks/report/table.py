"""A board as a Markdown table."""

from benchmarks.board import Board, Metric
from benchmarks.figures import Spread


def markdown_table(board: Board) -> str:
    """Write one row a candidate: medians, with the extremes of the rounds behind them."""
    with_ratio = any(board.ratio(candidate) is not None for candidate in board.candidates)
    heads = ["", *(_head(metric) for metric in board.metrics)]
    if with_ratio:
        heads.insert(2, f"of {board.reference}")
    rows = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    for candidate in board.candidates:
        cells = [candidate, *(_cell(board.spread(candidate, metric), metric) for metric in board.metrics)]
        if with_ratio:
            ratio = board.ratio(candidate)
            cells.insert(2, "" if ratio is None else f"{ratio:.2f}")
        rows.append(cells)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _head(metric: Metric) -> str:
    return f"{metric.name.replace('_', ' ')}{f' ({metric.unit})' if metric.unit else ''}"


def _cell(found: Spread | None, metric: Metric) -> str:
    if found is None:
        return ""
    median, low, high = (f"{value:,.{metric.digits}f}" for value in (found.median, found.low, found.high))
    return median if low == high else f"{median} ({low} to {high})"
