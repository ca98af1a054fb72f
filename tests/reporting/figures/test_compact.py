import io
import re
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.axes import Axes

from harness.reporting.figures._compact import _named, compact, drawing_of
from harness.reporting.figures._style import applied, new_figure, svg

REFERENCE = re.compile(r'(?:href="#|url\(#)([^")]+)')
SVG = "{http://www.w3.org/2000/svg}"


def curves(axes: Axes) -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        axes.plot(np.arange(200), random.normal(size=200).cumsum(), color="#d97706", lw=0.7, alpha=0.25)
    axes.set_title("twenty walks")


def points(axes: Axes) -> None:
    drawn = axes.scatter([0, 1, 2], [1, 2, 3], c=[0, 1, 2], edgecolors="black", marker="^", alpha=0.5)
    axes.figure.colorbar(drawn, ax=axes)


def hatches(axes: Axes) -> None:
    axes.bar([0, 1], [1, 2], hatch="////", facecolor="white", edgecolor="#1d4e89")


def raw(draw: Callable[[Axes], None]) -> bytes:
    """Return what matplotlib writes."""
    content = io.BytesIO()
    with applied():
        figure = new_figure(4, 3)
        draw(figure.subplots())
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    return content.getvalue()


@pytest.mark.parametrize("draw", [curves, points, hatches])
def test_everything_that_is_referred_to_is_defined_once(draw: Callable[[Axes], None]) -> None:
    written = compact(raw(draw)).decode()

    defined = re.findall(r' id="([^"]+)"', written)
    assert set(REFERENCE.findall(written)) == set(defined)
    assert len(set(defined)) == len(defined)
    classes = re.findall(r"^\.(\w+)\{", written, re.MULTILINE)
    assert set(re.findall(r' class="([^"]+)"', written)) == set(classes)


@pytest.mark.parametrize("draw", [curves, points, hatches])
def test_as_much_is_drawn_as_before(draw: Callable[[Axes], None]) -> None:
    original = raw(draw)

    before, after = (pieces(ElementTree.fromstring(content)) for content in (original, compact(original)))

    assert after == before


def pieces(root: ElementTree.Element) -> dict[str, int]:
    """Count what a viewer draws, each piece once for every use of it."""
    known = {element.attrib["id"]: element for element in root.iter() if "id" in element.attrib}
    counts: dict[str, int] = {}

    def draw(element: ElementTree.Element) -> None:
        tag = element.tag.removeprefix(SVG)
        if tag in ("defs", "metadata", "style"):
            return
        if tag == "use":
            draw(known[element.attrib["{http://www.w3.org/1999/xlink}href"][1:]])
        elif tag in ("rect", "image") or (tag == "path" and element.get("d")):  # a space has no path
            counts[tag] = counts.get(tag, 0) + 1
        for child in element:
            draw(child)

    draw(root)
    return counts


def test_curves_take_a_third_of_the_bytes_at_most() -> None:
    original = raw(curves)

    assert len(compact(original)) < len(original) / 3


def test_a_word_that_comes_again_is_drawn_once() -> None:
    def twice(axes: Axes) -> None:
        axes.text(0.1, 0.1, "never")
        axes.text(0.5, 0.9, "never")

    once, both = (compact(raw(draw)) for draw in (lambda axes: axes.text(0.1, 0.1, "never"), twice))

    assert drawing_of(once).definitions == drawing_of(both).definitions


def test_a_style_of_several_elements_in_a_row_stands_once_around_them() -> None:
    body = drawing_of(compact(raw(curves))).body

    assert max(len(re.findall("<path", group)) for group in re.findall(r"<g class.*?</g>", body)) >= 20


def test_an_opacity_is_that_of_each_element_and_not_of_all_together() -> None:
    line = '<path d="M 0 0 \nL 9 9 \n" style="opacity: 0.5; stroke: #d97706"/>'

    drawing = drawing_of(
        compact(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{line * 3}</svg>'.encode())
    )

    (name,) = drawing.styles
    assert drawing.styles[name] == "opacity:.5;stroke:#d97706"
    assert drawing.body.count(f'<path class="{name}"') == 3


def test_a_file_can_be_taken_apart_and_put_together() -> None:
    with applied():
        figure = new_figure(2, 1)
        curves(figure.subplots())
        written = svg(figure)

    drawing = drawing_of(written)

    assert drawing.file() == written
    assert drawing.size == (144, 72)
    assert all(f'id="{name}"' in definition for name, definition in drawing.definitions.items())


def test_what_another_program_has_written_is_not_taken_apart() -> None:
    with pytest.raises(ValueError, match="expected a compact SVG file"):
        drawing_of(b"<svg/>")


def test_a_name_follows_from_the_content_in_every_process() -> None:
    assert _named("d", "a clip path") == "d3icipo2p"
