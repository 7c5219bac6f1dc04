from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.arguments import SCENARIOS
from benchmarks.board import Board, Metric
from benchmarks.disk import file_system
from benchmarks.report.page import NoSection, replace_section
from benchmarks.report.plot import svg_plot
from benchmarks.report.publish import PAGE, publish
from benchmarks.report.table import markdown_table


def a_board() -> Board:
    board = Board(
        scenario="accept",
        title="Accept",
        metrics=(Metric(name="rate", unit="requests/s"), Metric(name="p99", unit="ms", digits=1)),
        reference="floor",
        notes=["3 rounds"],
    )
    for rate, p99 in ((900.0, 2.04), (1200.0, 3.0), (1000.0, 2.5)):
        board.add("hooks <SQLite>", rate=rate, p99=p99)
    board.add("floor", rate=2000.0)
    return board


def test_a_table_has_medians_extremes_and_ratios_to_the_reference() -> None:
    assert markdown_table(a_board()).splitlines() == [
        "|  | rate (requests/s) | of floor | p99 (ms) |",
        "| --- | ---: | ---: | ---: |",
        "| hooks <SQLite> | 1,000 (900 to 1,200) | 0.50 | 2.5 (2.0 to 3.0) |",
        "| floor | 2,000 | 1.00 |  |",
    ]


def test_a_table_without_the_reference_has_no_ratios() -> None:
    board = Board(scenario="s", title="S", metrics=(Metric(name="caught_up"),), reference="floor")
    board.add("hooks", caught_up=3)
    assert markdown_table(board).splitlines()[0] == "|  | caught up |"


def test_a_board_takes_no_metric_that_it_does_not_know() -> None:
    with pytest.raises(ValueError, match=r"\['speed'\] are no metrics of accept"):
        a_board().add("floor", speed=1.0)


def test_a_plot_is_svg_with_a_bar_for_each_candidate() -> None:
    drawn = ET.fromstring(svg_plot(a_board()))
    space = {"svg": "http://www.w3.org/2000/svg"}
    bars = {each.get("class"): float(each.get("width", "0")) for each in drawn.findall("svg:rect", space)}
    assert bars["bar"] == pytest.approx(2 * bars["ours"], abs=0.2)
    assert "hooks <SQLite>" in [each.text for each in drawn.findall("svg:text", space)]


def test_only_the_named_section_of_the_page_is_replaced() -> None:
    page = "a\n<!-- bench:x -->\nold \\1\n<!-- /bench:x -->\nb\n<!-- bench:xy -->\n<!-- /bench:xy -->\n"
    once = replace_section(page, "x", "new \\1\n")
    assert once == page.replace("\nold \\1\n", "\n\nnew \\1\n\n")
    assert replace_section(once, "x", "new \\1") == once


@pytest.mark.parametrize(
    "page",
    ["", "<!-- bench:x -->", "<!-- /bench:x --><!-- bench:x -->", "<!-- bench:x --><!-- /bench:x -->" * 2],
)
def test_a_page_without_one_such_section_is_refused(page: str) -> None:
    with pytest.raises(NoSection, match="<!-- bench:x -->"):
        replace_section(page, "x", "new")


def test_a_board_is_published_into_its_section_with_its_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "performance.md"
    page.write_text("# Figures\n<!-- bench:accept -->\n<!-- /bench:accept -->\n")
    publish(a_board(), tmp_path, page=page)
    written = page.read_text()
    assert markdown_table(a_board()) in written
    assert "- 3 rounds\n" in written
    assert f", logs on {file_system(tmp_path)}\n" in written
    assert "(performance/accept.svg)" in written
    assert (tmp_path / "performance" / "accept.svg").exists()
    assert "| floor |" in capsys.readouterr().out


@pytest.mark.parametrize("name", [*SCENARIOS, "growth-looks"])
def test_the_page_has_a_place_for_every_board(name: str) -> None:
    replace_section(PAGE.read_text(), name, "new")
