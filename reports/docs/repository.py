"""Files of the repository that pages link to, such as reports, studies and examples: they become part of the site.

A page links to them by their paths in the repository, so the same links work where pages are read as files.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PAGES = Path(__file__).parent / "pages"
ROOT = PAGES.parents[2]
REFERENCE_BOOST = 0.3  # of what a search finds there, beside 1 for explanations
LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add what pages link to, and what that links to."""
    left = [Path(file.abs_src_path) for file in files.documentation_pages() if file.abs_src_path]
    added = set(left)
    while left:
        page = left.pop()
        for target in _targets(page) - added:
            added.add(target)
            if not target.is_relative_to(PAGES):
                files.append(File.generated(config, _uri(target), abs_src_path=str(target)))
            if target.suffix == ".md":
                left.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let links lead to where the files are in the site; only pages of the documentation are searched."""
    if page.file.abs_src_path is None:
        return markdown
    source, folder = Path(page.file.abs_src_path), posixpath.dirname(page.file.src_uri)
    if not source.is_relative_to(PAGES):
        page.meta["search"] = {"exclude": True}
    elif source.is_relative_to(PAGES / "reference"):  # whose classes have every word in them
        page.meta["search"] = {"boost": REFERENCE_BOOST}

    def moved(link: re.Match[str]) -> str:
        target = (source.parent / link[2]).resolve()
        return link[1] + posixpath.relpath(_uri(target), folder or ".") if target.is_file() else link[0]

    return LINK.sub(moved, markdown)


def _targets(page: Path) -> set[Path]:
    """Return the files of the repository that a page links to; what is not there is left for MkDocs to find."""
    linked = {(page.parent / link).resolve() for _, link in LINK.findall(page.read_text(encoding="utf-8"))}
    return {target for target in linked if target.is_file() and target.is_relative_to(ROOT)}


def _uri(target: Path) -> str:
    if target.is_relative_to(PAGES):
        return target.relative_to(PAGES).as_posix()
    return f"repository/{target.relative_to(ROOT).as_posix()}"
