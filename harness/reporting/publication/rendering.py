"""From a report's content to HTML and Markdown; every value is escaped, whoever wrote it."""

import base64
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.reporting.data.wording import visible
from harness.reporting.figures._style import DPI

__all__ = ["html", "markdown"]

TEMPLATES = Path(__file__).parent / "templates"
PIXEL_RATIO = 104 / DPI  # CSS pixels for each pixel of a figure
# Everything with a meaning in Markdown, in its tables, or in GitHub's formulas.
MARKDOWN_SIGNS = re.compile(r"([\\`*_\[\]#|~$])")


def html(content: Mapping[str, Any]) -> bytes:
    """Render `report.html`: one file that loads nothing and runs nothing."""
    environment = _environment(_html_value)
    environment.filters |= {"data_uri": _data_uri, "size": _size}
    return environment.get_template("report.html.jinja").render(content).encode()


def markdown(content: Mapping[str, Any]) -> bytes:
    """Render `report.md`, whose figures are files beside it."""
    environment = _environment(_markdown_value)
    environment.filters |= {"code": _code, "fenced": _fenced}
    return environment.get_template("report.md.jinja").render(content).encode()


def _environment(finalize: Callable[[Any], Any]) -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
        finalize=finalize,
    )


def _html_value(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _markdown_value(value: Any) -> Any:
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    # What is escaped here is marked as such, so that Jinja does not escape it once more for HTML.
    return escape(MARKDOWN_SIGNS.sub(r"\\\1", visible(value)))


def _code(value: str) -> Markup:
    """Write text that stands between backticks, where nothing can be escaped, so that they are dropped from it."""
    return Markup(visible(value).replace("`", ""))


def _fenced(value: str) -> Markup:
    """Write a line of a code block, which ends at a line of backticks alone and escapes nothing."""
    return Markup(" " if value.startswith("`") else "") + Markup(visible(value))


def _data_uri(png: bytes) -> Markup:
    return Markup("data:image/png;base64,") + base64.b64encode(png).decode()


def _size(png: bytes) -> tuple[int, int]:
    """Return the width and height at which every figure's letters are equally large, in CSS pixels."""
    return tuple(round(int.from_bytes(png[at : at + 4]) * PIXEL_RATIO) for at in (16, 20))  # type: ignore[return-value]
