"""Prints a board, and puts it into the page with its plot."""

from pathlib import Path
from typing import Final

from benchmarks.board import Board
from benchmarks.report.machine import describe_machine
from benchmarks.report.page import replace_section
from benchmarks.report.plot import svg_plot
from benchmarks.report.table import markdown_table

PAGE: Final = Path(__file__).parents[2] / "docs" / "performance.md"


def publish(board: Board, place: Path, *, page: Path | None = PAGE) -> None:
    """Print the table; with a page, replace its section there and the plot beside it.

    `place` is the folder that the logs were made in.
    """
    table = markdown_table(board)
    print(f"\n{board.title}\n\n{table}")
    notes = "".join(f"- {note}\n" for note in [*board.notes, describe_machine(place)])
    print(notes, end="")
    if page is None:
        return
    plot = page.parent / page.stem / f"{board.scenario}.svg"
    plot.parent.mkdir(exist_ok=True)
    plot.write_text(svg_plot(board), encoding="utf-8")
    parts = [
        table,
        f"![{board.title}]({page.stem}/{plot.name})\n",
        notes,
    ]
    text = page.read_text(encoding="utf-8")
    page.write_text(replace_section(text, board.scenario, "\n".join(parts)), encoding="utf-8")
