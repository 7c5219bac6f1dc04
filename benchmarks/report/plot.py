"""A board as a bar chart in SVG: the first metric's medians, with a line between the extremes."""

from html import escape
from typing import Final

from benchmarks.board import Board

_WIDTH: Final = 760
_LABELS: Final = 270
_FIGURES: Final = 90
_ROW: Final = 30
_TOP: Final = 44
_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#444}.title{font-weight:600;font-size:14px}"
    ".bar{fill:#9aa7b5}.ours{fill:#2f7ed8}.extremes{stroke:#444;stroke-width:1.5}"
    "@media(prefers-color-scheme:dark){text{fill:#ccc}.extremes{stroke:#ccc}}"
)


def svg_plot(board: Board, *, ours: str = "hooks") -> str:
    """Draw the board; candidates whose name begins with `ours` have a colour of their own."""
    metric = board.metrics[0]
    found = {name: each for name in board.candidates if (each := board.spread(name, metric))}
    longest = max((each.high for each in found.values()), default=0) or 1
    scale = (_WIDTH - _LABELS - _FIGURES) / longest
    height = _TOP + _ROW * len(found) + 10
    title = escape(
        f"{board.title}: {metric.name.replace('_', ' ')}{f' ({metric.unit})' if metric.unit else ''}"
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{title}</title><style>{_STYLE}</style>",
        f'<text class="title" x="8" y="22">{title}</text>',
    ]
    for place, (name, each) in enumerate(found.items()):
        y = _TOP + _ROW * place
        kind = "ours" if name.startswith(ours) else "bar"
        low, median, high = (_LABELS + value * scale for value in (each.low, each.median, each.high))
        lines += [
            f'<text x="{_LABELS - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>',
            f'<rect class="{kind}" x="{_LABELS}" y="{y}" width="{median - _LABELS:.1f}" height="20"/>',
            f'<line class="extremes" x1="{low:.1f}" x2="{high:.1f}" y1="{y + 10}" y2="{y + 10}"/>',
            f'<text x="{high + 6:.1f}" y="{y + 15}">{each.median:,.{metric.digits}f}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"
