"""From a report's content to pages of HTML and Markdown; every value is escaped, whoever wrote it."""

import re
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.reporting.data.wording import visible
from harness.reporting.publication.inline_figures import inline_figures
from harness.reporting.publication.published_files import SHOWN
from harness.reporting.publication.reading import elsewhere_of, explained, told_tables, untold_tables, words_of_part

__all__ = ["BESIDE", "rendered_pages"]

BESIDE = {"runs": "Every run", "checklists": "Checklists and words"}  # pages beside the report, and their titles
TEMPLATES = Path(__file__).parent / "templates"
BLANK_LINES = re.compile(r"\n{3,}")
# Everything with a meaning in Markdown, in its tables, or in GitHub's formulas.
MARKDOWN_SIGNS = re.compile(r"([\\`*_\[\]#|~$])")


def rendered_pages(content: Mapping[str, Any]) -> dict[str, bytes]:
    """Render all pages of a report by relative path: what is read first, and what stands beside it.

    A page of HTML loads nothing and runs nothing.
    """
    return {
        "report.html": _report_html(content),
        "report.md": _report_markdown(content),
        "details.md": _markdown("details.md.jinja", _untold(content)),
        **{f"{page}.html": _beside_html(content, page) for page in BESIDE},
        **{f"{page}.md": _markdown("beside.md.jinja", {**content, **_of_page(page)}) for page in BESIDE},
    }


def _of_page(page: str) -> dict[str, str]:
    return {"page": page, "page_title": BESIDE[page]}


def _report_html(content: Mapping[str, Any]) -> bytes:
    """Render the page; a word is explained where it is met first, in a fold or not."""
    parts = {**content["figures"], **content["tables"]}
    sections = [section for section in content["sections"] if section.page == "report"]
    head = [content["answer"], content["others"], *_glance(parts)]
    words = explained(
        head, sections, lambda section: [words_of_part(parts[name]) for name in (*section.parts, *section.folded)]
    )
    drawn = inline_figures({name: figure.svg for name, figure in content["figures"].items()})
    return _html("report.html.jinja", {**content, "words": words, "drawn": drawn})


def _beside_html(content: Mapping[str, Any], page: str) -> bytes:
    return _html("beside.html.jinja", {**content, **_of_page(page), "words": {}, "drawn": inline_figures({})})


def _html(template: str, content: Mapping[str, Any]) -> bytes:
    widest = max((len(table.head) for table in content["tables"].values()), default=1)
    return _environment(_html_value).get_template(template).render(content, columns=range(1, widest + 1)).encode()


def _report_markdown(content: Mapping[str, Any]) -> bytes:
    """Render the text, which shows a few figures and tables, and says where the others are."""
    parts = {**content["figures"], **content["tables"]}
    told = told_tables(content["tables"])
    sections = [section for section in content["sections"] if section.page == "report"]
    read = {*told, *content["figures"]}
    head = [content["answer"], content["others"], *_glance(parts)]
    words = explained(
        head, sections, lambda section: [words_of_part(parts[name]) for name in section.parts if name in read]
    )
    more = {"told": told, "words": words, "elsewhere": elsewhere_of(sections, parts, told), "figures_shown": SHOWN}
    return _markdown("report.md.jinja", {**content, **more})


def _glance(parts: Mapping[str, Any]) -> list[str]:
    return [words_of_part(parts[name]) for name in ("standing", "paired_differences") if name in parts]


def _untold(content: Mapping[str, Any]) -> dict[str, Any]:
    tables = content["tables"]
    return {**content, "untold": untold_tables(content["sections"], tables, told_tables(tables))}


def _markdown(template: str, content: Mapping[str, Any]) -> bytes:
    environment = _environment(_markdown_value)
    environment.filters |= {"code": _code, "fenced": _fenced}
    text = environment.get_template(template).render(content)
    return (BLANK_LINES.sub("\n\n", text).rstrip() + "\n").encode()


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
    # What is escaped here is marked as such, so that Jinja does not escape it once more for HTML. No text stands in an
    # attribute, so that quotes are written as they are.
    return Markup(escape(MARKDOWN_SIGNS.sub(r"\\\1", visible(value)), quote=False))


def _code(value: str) -> Markup:
    """Write text that stands between backticks, where nothing can be escaped, so that they are dropped from it."""
    return Markup(visible(value).replace("`", ""))


def _fenced(value: str) -> Markup:
    """Write a line of a code block, which ends at a line of backticks alone and escapes nothing."""
    return Markup(" " if value.startswith("`") else "") + Markup(visible(value))
