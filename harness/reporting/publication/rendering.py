"""From a report's content to HTML and Markdown; every value is escaped, whoever wrote it."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.reporting.data.wording import visible
from harness.reporting.publication.inline_figures import inline_figures
from harness.reporting.publication.published_files import SHOWN

__all__ = ["html", "markdown"]

TEMPLATES = Path(__file__).parent / "templates"
# Everything with a meaning in Markdown, in its tables, or in GitHub's formulas.
MARKDOWN_SIGNS = re.compile(r"([\\`*_\[\]#|~$])")


def html(content: Mapping[str, Any]) -> bytes:
    """Render `report.html`: one file that loads nothing and runs nothing."""
    drawn = inline_figures({name: figure.svg for name, figure in content["figures"].items()})
    widest = max((len(table.head) for table in content["tables"].values()), default=1)
    page = _environment(_html_value).get_template("report.html.jinja")
    return page.render(content, drawn=drawn, columns=range(1, widest + 1)).encode()


def markdown(content: Mapping[str, Any]) -> bytes:
    """Render `report.md`, which shows a few figures that are files beside it and tells of the others."""
    environment = _environment(_markdown_value)
    environment.filters |= {"code": _code, "fenced": _fenced}
    return environment.get_template("report.md.jinja").render(content, figures_shown=SHOWN).encode()


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
