"""Writing what a paper takes from a report into a folder beside it."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from harness.core.errors import InputError
from harness.reporting.context import ReportContext
from harness.reporting.paper.figure_files import figure_files
from harness.reporting.paper.latex import latex_table
from harness.reporting.paper.letters import escaped
from harness.reporting.paper.methods import Cited, cited, methods
from harness.reporting.paper.works import WORKS
from harness.reporting.publication.report_folder import read_intact_report
from harness.reporting.report import context_of
from harness.reporting.results.parts import TABLES, make_table
from harness.reporting.tables._base import ReportTable

__all__ = ["paper_files", "write_paper"]


def write_paper(report: Path, out: Path) -> int:
    """Write tables, figures, the methods and the works that they cite into the folder `out`; return how many files.

    Raises:
        InputError: `report` holds no report as it was written, or `out` is its folder or cannot be written.
    """
    if out.resolve() == report.resolve():
        raise InputError(f"expected another folder than that of the report at {report}; a report has no other files")
    context = context_of(read_intact_report(report))
    files = {name: text.encode() for name, text in paper_files(context).items()} | figure_files(context)
    try:
        for name, content in files.items():
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise InputError(f"cannot write to {out} ({error.strerror}); name another folder") from error
    return len(files)


def paper_files(context: ReportContext) -> dict[str, str]:
    """Return the texts by relative path: the same report gives the same ones."""
    sentences = methods(context)
    return {
        "methods.md": " ".join(f"{text}{_in_markdown(keys)}." for text, keys in sentences) + "\n",
        "methods.tex": "\n".join([r"\begin{sloppypar}", *map(_in_latex, sentences), r"\end{sloppypar}"]) + "\n",
        "references.bib": "\n\n".join(WORKS[key] for key in cited(sentences)) + "\n",
        **{f"tables/{table.name}.tex": latex_table(table) for table in _tables(context)},
    }


def _tables(context: ReportContext) -> Iterator[ReportTable]:
    for name in TABLES:
        with suppress(InputError):  # of some there are no rows
            yield make_table(context, name)


def _in_markdown(keys: tuple[str, ...]) -> str:
    return f" [{'; '.join(f'@{key}' for key in keys)}]" if keys else ""


def _in_latex(sentence: Cited) -> str:
    text, keys = sentence
    return escaped(text) + (rf"~\citep{{{','.join(keys)}}}" if keys else "") + "."
