"""A figure's SVG in a quarter of the bytes that matplotlib writes, which draws the same to a tenth of a point.

Styles become classes, and whatever is drawn several times (letters, words, marks, clips) one definition. Both are named
by their content, so that the figures of a page can share them; letters are named by their number in the font.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from harness.reporting.figures._path_data import decimal, shortened_path

__all__ = ["Drawing", "compact", "drawing_of"]

SVG, HREF = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
JOIN = 'stroke-linejoin="round"'  # matplotlib's style of all elements
FILE = re.compile(
    r'<svg [^>]*viewBox="(?P<view_box>[^"]*)"[^>]*>\n<style>\n(?P<styles>.*?)</style>\n'
    r"<defs>\n(?P<definitions>.*?)</defs>\n(?P<body>.*)</svg>\n",
    re.DOTALL,
)
GLYPH = re.compile(r"DejaVuSans(?P<bold>-Bold)?-(?P<number>\w+)")
GLYPH_UNITS, GLYPH_STEP = 64, 16  # of a letter drawn at 100 points: units in a point, and units that are kept
REFERENCE = re.compile(r"url\(#([^)]+)\)")
FRACTION = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
SHIFT = re.compile(r"translate\((\S+) (\S+)\)")
OPACITY = re.compile(r"(^|;)opacity:")
FINE, COARSE = 2, 1  # decimals of a point
MANY = 8  # lines of a path whose single points nobody can tell apart


@dataclass(frozen=True)
class Drawing:
    """The parts of a compact SVG file.

    Attributes:
        view_box: as SVG has it; a unit is a point, 1/72 inch.
        styles: CSS by the name of the class.
        definitions: elements by their id.
    """

    view_box: str
    styles: Mapping[str, str]
    definitions: Mapping[str, str]
    body: str

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points."""
        width, height = map(float, self.view_box.split()[2:])
        return width, height

    def file(self) -> bytes:
        """Return the SVG file."""
        width, height = self.view_box.split()[2:]
        styles = "".join(f".{name}{{{style}}}\n" for name, style in self.styles.items())
        definitions = "".join(f"{definition}\n" for definition in self.definitions.values())
        head = f'{HEAD} width="{width}pt" height="{height}pt" viewBox="{self.view_box}" {JOIN}>'
        return f"{head}\n<style>\n{styles}</style>\n<defs>\n{definitions}</defs>\n{self.body}</svg>\n".encode()


def compact(svg: bytes) -> bytes:
    """Return a compact file that draws what matplotlib's file `svg` draws."""
    root = ElementTree.fromstring(svg)
    writer = _Writer(root)
    body = writer.body(root)
    return Drawing(root.attrib["viewBox"], writer.styles, writer.definitions, body).file()


def drawing_of(file: bytes) -> Drawing:
    """Return the parts of a file that `compact` has written.

    Raises:
        ValueError: the file is another one.
    """
    if not (parts := FILE.fullmatch(file.decode())):
        raise ValueError("expected a compact SVG file")
    styles = dict(line[1:-1].split("{", 1) for line in parts["styles"].splitlines())
    definitions = {line.split('id="', 1)[1].split('"', 1)[0]: line for line in parts["definitions"].splitlines()}
    return Drawing(parts["view_box"], styles, definitions, parts["body"])


@dataclass(frozen=True)
class _Drawn:
    """An element: its tag, what it may share with those beside it, and the rest of its markup."""

    tag: str
    rest: str
    style: str = ""
    clip: str = ""


class _Writer:
    """Writes elements anew and collects what they share."""

    def __init__(self, root: Element) -> None:
        self.styles: dict[str, str] = {}
        self.definitions: dict[str, str] = {}
        self._names: dict[str, str] = {}  # by the id that matplotlib gave
        for defined in root.iter():
            if defined.tag in (f"{SVG}clipPath", f"{SVG}pattern"):
                self._define(defined)
        for definitions in root.iter(f"{SVG}defs"):
            for defined in definitions.iterfind(f"{SVG}path"):
                self._define(defined)

    def body(self, root: Element) -> str:
        """Return everything that is drawn."""
        return self._markup([drawn for child in root for drawn in self._drawn(child)], "\n")

    def _define(self, element: Element) -> None:
        given = element.attrib["id"]
        if glyph := GLYPH.fullmatch(given):
            name = ("b" if glyph["bold"] else "g") + glyph["number"]
            data = shortened_path(element.get("d", ""), 0, 1 / GLYPH_STEP)  # a space draws nothing
            self.definitions[name] = f'<path id="{name}" transform="scale({GLYPH_STEP / GLYPH_UNITS:g})" d="{data}"/>'
        else:
            content = self._whole(element)
            name = _named("d", content)
            self.definitions[name] = content.replace("<" + _tag(element), f'<{_tag(element)} id="{name}"', 1)
        self._names[given] = name

    def _whole(self, element: Element) -> str:
        """Write an element of a definition with all in it."""
        inside = "".join(self._whole(child) for child in element)
        end = f">{inside}</{_tag(element)}>" if inside else "/>"
        return f"<{_tag(element)}{_written(self._attributes(element))}{end}"

    def _drawn(self, element: Element) -> Iterator[_Drawn]:
        attributes = self._attributes(element)
        style, clip = attributes.pop("style", ""), attributes.pop("clip-path", "")
        if _tag(element) == "g":
            yield from self._group(element, attributes, style, clip)
        elif _tag(element) not in ("defs", "metadata"):
            yield _Drawn(_tag(element), f"{_written(attributes)}/>", style, clip)

    def _group(self, element: Element, attributes: dict[str, str], style: str, clip: str) -> Iterator[_Drawn]:
        inside = [drawn for child in element for drawn in self._drawn(child)]
        if not attributes and not style and not any(drawn.clip for drawn in inside if clip):
            yield from (replace(drawn, clip=clip or drawn.clip) for drawn in inside)
        elif all(drawn.tag == "use" for drawn in inside):
            yield _Drawn("use", f"{self._word(inside)}{_written(attributes)}/>", style, clip)
        else:
            yield _Drawn("g", f"{_written(attributes)}>{self._markup(inside)}</g>", style, clip)

    def _word(self, letters: list[_Drawn]) -> str:
        """Define letters that stand side by side; return what refers to them."""
        content = self._markup(letters)
        name = _named("w", content)
        self.definitions.setdefault(name, f'<g id="{name}">{content}</g>')
        return f' xlink:href="#{name}"'

    def _markup(self, elements: Iterable[_Drawn], end: str = "") -> str:
        """Write elements; what several in a row share is written once, around them."""
        markup = []
        for clip, together in groupby(elements, key=lambda drawn: drawn.clip):
            inside = "".join(self._styled(style, list(run)) for style, run in groupby(together, key=_style))
            markup.append(f'<g clip-path="{clip}">{inside}</g>{end}' if clip else f"{inside}{end}")
        return "".join(markup)

    def _styled(self, style: str, run: list[_Drawn]) -> str:
        given = f' class="{self._class(style)}"' if style else ""
        # Around several elements, an opacity would be that of all together.
        if not given or len(run) == 1 or OPACITY.search(style):
            return "".join(f"<{drawn.tag}{given}{drawn.rest}" for drawn in run)
        inside = "".join(f"<{drawn.tag}{drawn.rest}" for drawn in run)
        return f"<g{given}>{inside}</g>"

    def _class(self, style: str) -> str:
        name = _named("s", style)
        self.styles[name] = style
        return name

    def _attributes(self, element: Element) -> dict[str, str]:
        """Return an element's attributes, rounded and without its id."""
        attributes = {name: self._referring(value) for name, value in element.attrib.items() if name != "id"}
        if "d" in attributes:
            coarse = attributes["d"].count("L") > MANY and not set(attributes["d"]) & set("QC")
            attributes["d"] = shortened_path(attributes["d"], COARSE if coarse else FINE)
        if HREF in attributes:
            target = attributes.pop(HREF)
            attributes["xlink:href"] = f"#{self._names[target[1:]]}" if target[0] == "#" else target
        if "style" in attributes:
            attributes["style"] = _short(attributes["style"])
        return _placed(_tag(element), attributes)

    def _referring(self, value: str) -> str:
        return REFERENCE.sub(lambda reference: f"url(#{self._names[reference[1]]})", value)


def _placed(tag: str, attributes: dict[str, str]) -> dict[str, str]:
    """Round where an element is; something used elsewhere is moved by `x` and `y`, which are shorter."""
    if tag == "use" and (shift := SHIFT.fullmatch(attributes.get("transform", ""))):
        del attributes["transform"]
        attributes |= {"x": shift[1], "y": shift[2]}
    for name in {"x", "y", "width", "height"} & set(attributes):
        attributes[name] = _rounded(attributes[name], FINE)
    if "transform" in attributes:
        attributes["transform"] = _rounded(attributes["transform"], FINE + 1).replace(") ", ")")
    return {name: value for name, value in attributes.items() if tag != "use" or name not in "xy" or value != "0"}


@lru_cache(maxsize=1024)
def _short(style: str) -> str:
    return _rounded(style.replace(": ", ":").replace("; ", ";"), FINE)


def _rounded(text: str, decimals: int) -> str:
    return FRACTION.sub(lambda number: decimal(round(float(number[0]) * 10**decimals), decimals), text)


def _written(attributes: Mapping[str, str]) -> str:
    return "".join(f' {name}="{value}"' for name, value in attributes.items())


def _style(drawn: _Drawn) -> str:
    return drawn.style


def _tag(element: Element) -> str:
    return element.tag.removeprefix(SVG)


def _named(letter: str, content: str) -> str:
    """Return a name that different contents do not share."""
    digest = hashlib.sha256(content.encode()).digest()
    return letter + base64.b32encode(digest[:5]).decode().lower()
