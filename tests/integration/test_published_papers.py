"""What a paper takes from each published report, set by LaTeX: nothing stands out beyond a line."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.reporting.context import ReportContext
from harness.reporting.paper.write_paper import paper_files
from harness.reporting.publication.report_folder import read_intact_report
from harness.reporting.report import context_of
from tests.integration.test_published_reports import REPORTS

PREAMBLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{array,booktabs,longtable,natbib}
\begin{document}
\input{methods}
"""
LARGEST_EXCESS = 2.0  # points, of 345 in a line

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed"),
]


def written(folder: Path, context: ReportContext) -> str:
    files = paper_files(context)
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    tables = [rf"\input{{{name.removesuffix('.tex')}}}\clearpage" for name in files if name.startswith("tables/")]
    return "\n".join([PREAMBLE, *tables, r"\end{document}"])


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_tables_and_methods_of_a_paper_fit_into_its_lines(report: Path, tmp_path: Path) -> None:
    (tmp_path / "paper.tex").write_text(written(tmp_path, context_of(read_intact_report(report))))

    for _ in range(2):  # longtable measures first
        set_ = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            encoding="latin-1",
        )

    assert set_.returncode == 0, set_.stdout[-2000:]
    excess = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", set_.stdout)]
    assert [points for points in excess if points > LARGEST_EXCESS] == []
