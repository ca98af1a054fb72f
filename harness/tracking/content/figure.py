"""A run at a glance: its losses by component and its metric, with the growths marked, as SVG.

Drawn without a plotting library: the process that delivers runs beside the training and must stay small.
"""

from collections.abc import Collection, Mapping, Sequence
from html import escape
from itertools import chain

from harness.core.history import Series

__all__ = ["figure"]

WIDTH, HEIGHT, GAP, LEFT, RIGHT = 720, 200, 40, 70, 190
MOST_POINTS = 500  # of a curve; of a longer one every n-th is drawn
# Readers with color blindness tell these apart.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
LOSSES = "train/loss/"


def figure(title: str, metrics: Mapping[str, Series], metric: str, growths: Collection[int]) -> str:
    """Return an SVG image of a run's training losses above the validation curve of `metric`.

    Args:
        title: of the image.
        metrics: finite values by key, as a tracker shows them.
        metric: the study's, such as `accuracy/all`.
        growths: the steps at which the network grew; each is a dashed line.
    """
    losses = {key.removeprefix(LOSSES): metrics[key] for key in sorted(metrics) if key.startswith(LOSSES)}
    # Without the test values: two points joined by a line would look like a curve.
    results = {"val": metrics[f"val/{metric}"]} if f"val/{metric}" in metrics else {}
    last = max(chain([1], growths, *(series.steps for series in (losses | results).values())))
    panels = [
        _panel(name, curves, growths, last, GAP + index * (HEIGHT + GAP))
        for index, (name, curves) in enumerate({"training loss": losses, metric: results}.items())
    ]
    height = GAP + 2 * (HEIGHT + GAP)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" '
            'font-family="sans-serif" font-size="12">',
            f'<rect width="100%" height="100%" fill="white"/><text x="{LEFT}" y="16" font-size="14">{_plain(title)}'
            "</text>",
            *chain(*panels),
            "</svg>\n",
        ]
    )


def _panel(name: str, curves: Mapping[str, Series], growths: Collection[int], last: int, top: int) -> list[str]:
    """Return a frame with its scale, the growths, and the curves with their names beside them."""
    values = [value for series in curves.values() for value in series.values] or [0.0]
    low, high = min(values), max(values)
    bottom, right = top + HEIGHT, LEFT + WIDTH
    parts = [
        f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>',
        _text(LEFT, top - 6, name),
        _text(LEFT - 6, top + 10, f"{high:.3g}", "end"),
        _text(LEFT - 6, bottom, f"{low:.3g}", "end"),
        _text(LEFT, bottom + 16, "step 0"),
        _text(right, bottom + 16, str(last), "end"),
    ]
    for step in growths:
        x = LEFT + WIDTH * step / last
        parts.append(f'<path d="M{x:.1f} {top}V{bottom}" stroke="#666" stroke-dasharray="4 3"/>')
        parts.append(_text(x, bottom + 16, f"growth at {step}", "middle"))
    for index, (label, series) in enumerate(curves.items()):
        color = COLORS[index % len(COLORS)]
        parts.append(f'<polyline fill="none" stroke="{color}" points="{_points(series, last, low, high, top)}"/>')
        parts.append(f'<text x="{right + 8}" y="{top + 12 + 16 * index}" fill="{color}">{_plain(label)}</text>')
    return parts


def _points(series: Series, last: int, low: float, high: float, top: int) -> str:
    every = -(-len(series.steps) // MOST_POINTS)
    pairs = [*zip(series.steps, series.values, strict=True)]
    # Each is divided on its own: the difference of two finite values may be infinite.
    span = high / 2 - low / 2 or 1.0
    heights: Sequence[tuple[int, float]] = [(step, (value / 2 - low / 2) / span) for step, value in pairs]
    drawn = [*heights[:: max(1, every)], *heights[-1:]]
    return " ".join(f"{LEFT + WIDTH * step / last:.1f},{top + HEIGHT * (1 - share):.1f}" for step, share in drawn)


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_plain(text)}</text>'


def _plain(text: str) -> str:
    """Return `text` as XML takes it: no control characters, nothing that could be markup."""
    return escape("".join(character if character.isprintable() else "?" for character in text))
