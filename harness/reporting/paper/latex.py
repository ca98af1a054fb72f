"""LaTeX: other people's words made safe, and tables as `booktabs` sets them."""

from harness.reporting.tables._base import ReportTable

__all__ = ["escaped", "latex_table"]

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
    """Return a table that the package `booktabs` sets: numbers to the right, the title as its caption."""
    columns = "".join("r" if numeric else "l" for numeric in table.numeric)
    rows = [" & ".join(map(escaped, row)) + r" \\" for row in (table.head, *table.rows)]
    note = f" {escaped(table.note)}" if table.note else ""
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(table.title)}.{note}}}",
        rf"\label{{tab:{table.name}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        rows[0],
        r"\midrule",
        *rows[1:],
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"
