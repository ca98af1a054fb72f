"""Figures as parts of a page, where what several of them draw is defined once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from harness.reporting.figures._compact import drawing_of

__all__ = ["InlineFigure", "InlineFigures", "inline_figures"]

PIXELS_IN_A_POINT = 104 / 72  # CSS pixels at which every figure's letters are as large as the page's notes


@dataclass(frozen=True)
class InlineFigure:
    """A figure's own part of the page; `width` and `height` in CSS pixels."""

    width: int
    height: int
    view_box: str
    body: Markup


@dataclass(frozen=True)
class InlineFigures:
    """All figures of a page by name, and what they share: CSS, and definitions by id."""

    styles: Markup
    definitions: Markup
    figures: Mapping[str, InlineFigure]


def inline_figures(files: Mapping[str, bytes]) -> InlineFigures:
    """Take SVG files apart, by the name of the figure."""
    drawings = {name: drawing_of(content) for name, content in files.items()}
    styles: dict[str, str] = {}
    definitions: dict[str, str] = {}
    figures = {}
    for name, drawing in drawings.items():
        styles |= drawing.styles
        definitions |= drawing.definitions
        width, height = (round(length * PIXELS_IN_A_POINT) for length in drawing.size)
        figures[name] = InlineFigure(width, height, drawing.view_box, _inline([drawing.body]))
    rules = (f".{name}{{{style}}}\n" for name, style in styles.items())
    return InlineFigures(_inline(rules), _inline(f"{line}\n" for line in definitions.values()), figures)


def _inline(markup: Iterable[str]) -> Markup:
    """Return markup as a page has it, where links need no namespace."""
    return Markup("".join(markup).replace("xlink:href", "href"))
