"""How every figure looks: one font, two arms that differ in color, line and marker, and bytes that repeat."""

import io
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter
from PIL import Image

from harness.core.arm_colors import ARM_COLORS
from harness.reporting.data.wording import number, visible
from harness.reporting.figures._compact import compact

__all__ = [
    "BAND",
    "DPI",
    "INK",
    "MUTED",
    "STYLES",
    "ArmStyle",
    "add_legend",
    "applied",
    "arm_handles",
    "arm_styles",
    "growth_handle",
    "label",
    "lay_out",
    "log_if_wide",
    "mark_growth",
    "new_figure",
    "pdf",
    "plain_numbers",
    "png",
    "svg",
    "text_width",
    "wrapped",
]

DPI, PNG_LEVEL = 180, 3
SPAN = 20
INK, MUTED, RULE, BAND = "#1f2933", "#6b7785", "#d9dee4", "#e9edf1"
HANDLE, MOST_COLUMNS = 0.75, 4  # inches beside the words of a legend's entry
GROWTH_WIDTH, GROWTH_LINE = 1.1, (0, (1, 1.5))
FONT = "DejaVu Sans"  # the one that comes with matplotlib, so that it is the same everywhere
STYLE = {
    "font.family": FONT,
    "font.size": 9,
    "text.color": INK,
    # Names of arms and fields are never formulas, whatever signs they hold.
    "text.parse_math": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": "white",
    # Without a salt of its own, matplotlib draws names of clip paths at random.
    "svg.hashsalt": "harness",
}


@dataclass(frozen=True)
class ArmStyle:
    """How one arm is drawn."""

    color: str
    line: Any
    marker: str


LINES = ("-", (0, (4, 1.6)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)), (0, (8, 2)), (0, (2, 1)))
STYLES = tuple(map(ArmStyle, ARM_COLORS, LINES, "os^DvP"))


def arm_styles(arms: Sequence[str]) -> dict[str, ArmStyle]:
    """Give each arm its style; beyond six, colors come again with another line and marker."""
    return {arm: _style(place) for place, arm in enumerate(arms)}


def _style(place: int) -> ArmStyle:
    color, other = STYLES[place % len(STYLES)], STYLES[(place + place // len(STYLES)) % len(STYLES)]
    return ArmStyle(color.color, other.line, other.marker)


def arm_handles(arms: Sequence[str], *, lines: bool = True) -> list[Line2D]:
    """Return what a legend shows for the arms."""
    return [
        Line2D(
            [],
            [],
            color=style.color,
            linestyle=style.line if lines else "",
            linewidth=2.2,
            marker="" if lines else style.marker,
            label=label(arm),
        )
        for arm, style in arm_styles(arms).items()
    ]


def add_legend(figure: Figure, handles: Sequence[Line2D]) -> None:
    """Set a legend above everything, in as many columns as the figure is wide enough for."""
    column = text_width([str(handle.get_label()) for handle in handles], 9) + HANDLE
    columns = max(1, min(MOST_COLUMNS, len(handles), int(figure.get_figwidth() / column)))
    figure.legend(handles=handles, loc="outside upper right", ncols=columns, handlelength=3)


def growth_handle() -> Line2D:
    """Return what a legend shows for the line at the growth."""
    return Line2D([], [], color=INK, lw=GROWTH_WIDTH, ls=GROWTH_LINE, label="growth")


def mark_growth(axes: Axes) -> None:
    """Draw the line at which the growth happened."""
    axes.axvline(0, color=INK, lw=GROWTH_WIDTH, ls=GROWTH_LINE, zorder=2)


@contextmanager
def applied() -> Iterator[None]:
    """Draw in this style, whatever the user's own matplotlib settings are."""
    with matplotlib.style.context(["default", STYLE]):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, sizes in inches, that belongs to no global state."""
    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """Render to bytes that depend on nothing but the figure."""
    content = io.BytesIO()
    canvas: Any = FigureCanvasAgg(figure)
    figure.set_dpi(DPI)
    canvas.draw()
    opaque = Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3])
    _with_palette(opaque).save(content, format="png", dpi=(DPI, DPI), compress_level=PNG_LEVEL)
    return content.getvalue()


def _with_palette(image: Image.Image) -> Image.Image:
    """Return the image in 256 colors, a third of the bytes; its corner, the background, stays white."""
    few = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette, corner = few.getpalette() or [], few.getpixel((0, 0))
    assert isinstance(corner, int)
    palette[3 * corner : 3 * corner + 3] = image.getpixel((0, 0))
    few.putpalette(palette)
    return few


def svg(figure: Figure) -> bytes:
    """Render to few bytes that depend on nothing but the figure; letters are drawn, so that no font is missed."""
    content = io.BytesIO()
    figure.savefig(content, format="svg", dpi=DPI, metadata={"Date": None, "Creator": None})
    return compact(content.getvalue())


def pdf(figure: Figure) -> bytes:
    """Render to bytes that depend on nothing but the figure; its font is embedded as TrueType, as publishers ask."""
    content = io.BytesIO()
    with matplotlib.rc_context({"pdf.fonttype": 42}):
        figure.savefig(content, format="pdf", metadata=dict.fromkeys(("CreationDate", "Creator", "Producer")))
    return content.getvalue()


def lay_out(figure: Figure) -> None:
    """Place everything once and for all. Left to itself, `savefig` does so each time, and draws all for it."""
    engine = figure.get_layout_engine()
    FigureCanvasSVG(figure)
    figure.set_dpi(FigureCanvasSVG.fixed_dpi)
    if engine is not None and figure.axes:
        engine.execute(figure)
    figure.set_layout_engine(None)
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if not axis.get_label_text():
            axis.set_label_coords(0, 0)  # or all tick labels are measured for where nothing is written


def label(text: str, most: int = 24) -> str:
    """Make other people's words fit: nothing hidden, nothing the font lacks, at most `most` signs."""
    known = get_font(findfont(FONT)).get_charmap()
    shown = "".join(sign if ord(sign) in known else "\N{REPLACEMENT CHARACTER}" for sign in visible(text))
    return shown if len(shown) <= most else shown[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def wrapped(text: str, width: int, most: int = 2) -> str:
    """Make other people's words fit into `most` lines of `width` signs."""
    lines = textwrap.wrap(label(text, width * most), width) or [""]
    return "\n".join([*lines[: most - 1], label(" ".join(lines[most - 1 :]), width)] if len(lines) >= most else lines)


def text_width(texts: Sequence[str], size: float, weight: str = "normal") -> float:
    """Return the width of the widest of `texts` in inches."""
    canvas: Any = FigureCanvasAgg(Figure(dpi=DPI))
    font = FontProperties(family=FONT, size=size, weight=weight)
    renderer = canvas.get_renderer()
    return max((renderer.get_text_width_height_descent(text, font, False)[0] for text in texts), default=0.0) / DPI


def log_if_wide(axes: Axes, values: pd.Series) -> None:
    """Make the axis upwards logarithmic where all values are positive and differ by more than a factor of `SPAN`."""
    lowest, highest = values.min(), values.max()
    if lowest > 0 and highest / lowest > SPAN:
        axes.set_yscale("log")


def plain_numbers(axes: Axes) -> None:
    """Write tick labels without exponents, offsets or formulas."""
    if axes.get_yscale() == "log":
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(lambda value, _: _plain(value))


def _plain(value: float) -> str:
    written = number(value, 10)
    return written.rstrip("0").rstrip(".") if "." in written else written
