"""LaTeX: other people's words made safe, and tables as `booktabs` sets them."""

import re
from collections.abc import Sequence

from harness.reporting.tables._base import ReportTable

__all__ = ["escaped", "latex_table"]

SIZES = {r"\small": 76, r"\footnotesize": 84, r"\scriptsize": 94}  # characters in a line of an article in 10 points
GAP = 3  # characters between two columns
MOST_LINES = 45  # on a page
LONGEST_WORD = 16  # or number; longer ones are divided
PIECE = re.compile(r"[^._/,:=-]{1,16}[._/,:=-]*|[._/,:=-]+")  # of a word that is longer
SIGNS = {
    **{sign: rf"\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "\N{MINUS SIGN}": r"$-$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{EN DASH}": "--",
    "\N{MIDDLE DOT}": r"$\cdot$",
    "\N{NO-BREAK SPACE}": "~",
}


def escaped(text: str) -> str:
    r"""Return `text` with what means something to LaTeX written out.

    >>> escaped("50 % of a_b")
    '50 \\% of a\\_b'
    """
    return "".join(SIGNS.get(sign, sign) for sign in " ".join(text.split()))


def latex_table(table: ReportTable) -> str:
    """Return a table that fits into a column of text: numbers to the right, the title as its caption.

    It is set by the packages `array` and `booktabs`, one that is longer than a page by `longtable`.
    """
    size, line, widths = _widths(table)
    columns = "".join(_column(width, line, numeric=one) for width, one in zip(widths, table.numeric, strict=True))
    head, *rows = [" & ".join(map(_breakable, row)) + r" \\" for row in (table.head, *table.rows)]
    note = f" {escaped(table.note)}" if table.note else ""
    caption, label = rf"\caption{{{escaped(table.title)}.{note}}}", rf"\label{{tab:{table.name}}}"
    if sum(_lines(row, widths) for row in table.rows) > MOST_LINES:
        begun = ["{" + size, rf"\begin{{longtable}}{{{columns}}}", caption, label + r" \tabularnewline"]
        lines = [*begun, r"\toprule", head, r"\midrule", r"\endhead", *rows, r"\bottomrule", r"\end{longtable}", "}"]
    else:
        begun = [r"\begin{table}", r"\centering", size, caption, label, rf"\begin{{tabular}}{{{columns}}}"]
        lines = [*begun, r"\toprule", head, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _widths(table: ReportTable) -> tuple[str, int, list[int]]:
    """Return the size of the letters, the characters in a line of it, and those that each column may have in a line.

    All columns are as wide as what they hold where that fits. Otherwise they are as wide as they must be, and share
    what is left.
    """
    columns = list(zip(table.head, *table.rows, strict=True))
    wanted = [max(map(len, column)) for column in columns]
    needed = [_needed(column, numeric=numeric) for column, numeric in zip(columns, table.numeric, strict=True)]
    gaps = GAP * len(columns)
    size, line = next(iter(SIZES.items()))
    if sum(wanted) + gaps <= line:
        return size, 0, wanted
    size, line = next((item for item in SIZES.items() if sum(needed) + gaps <= item[1]), [*SIZES.items()][-1])
    missing = [more - least for more, least in zip(wanted, needed, strict=True)]
    share = max(0.0, min(1.0, (line - gaps - sum(needed)) / max(1, sum(missing))))
    return size, line, [int(least + share * more) for least, more in zip(needed, missing, strict=True)]


def _needed(column: Sequence[str], *, numeric: bool) -> int:
    """Return how many characters a column must hold in a line: all of a number, and the longest word."""
    whole = [text for text in column[1:] if numeric and len(text) <= LONGEST_WORD]
    pieces = [piece for text in column if text not in whole for word in text.split() for piece in _pieces(word)]
    return max(map(len, [*whole, *pieces]), default=1)


def _lines(row: Sequence[str], widths: Sequence[int]) -> int:
    return max(-(-len(text) // max(1, width)) for text, width in zip(row, widths, strict=True))


def _column(width: int, line: int, *, numeric: bool) -> str:
    if not line:
        return "r" if numeric else "l"
    ragged = r"\raggedleft" if numeric else r"\raggedright"
    return rf">{{{ragged}\arraybackslash}}p{{{width / line:.3f}\linewidth}}"


def _pieces(word: str) -> list[str]:
    return PIECE.findall(word) if len(word) > LONGEST_WORD else [word]


def _breakable(text: str) -> str:
    """Return a cell with places at which long words, such as paths and digests, may be divided."""
    return " ".join(r"\allowbreak{}".join(map(escaped, _pieces(word))) for word in text.split(" "))
