"""Tables in LaTeX, as `booktabs` sets them."""

from harness.reporting.paper.letters import em, escaped, with_breaks
from harness.reporting.paper.table_widths import FittedTable, fitted
from harness.reporting.tables._base import ReportTable

__all__ = ["latex_table"]

MOST_LINES = 45  # on a page


def latex_table(table: ReportTable) -> str:
    """Return a table that fits into a column of text: numbers to the right, the title as its caption.

    It is set by the packages `array` and `booktabs`, one that is longer than a page by `longtable`. One that is wider
    than any page comes in parts; the first has the label of the table, the second the same with `-2`.
    """
    return "\n".join(map(_set, fitted(table)))


def _set(fit: FittedTable) -> str:
    table = fit.table
    columns = "".join(_column(fit, width, numeric=one) for width, one in zip(fit.widths, table.numeric, strict=True))
    head, *rows = [" & ".join(map(with_breaks, row)) + r" \\" for row in (table.head, *table.rows)]
    note = f" {escaped(table.note)}" if table.note else ""
    caption, label = rf"\caption{{{escaped(table.title)}.{note}}}", rf"\label{{tab:{table.name}}}"
    if sum(_lines(row, fit) for row in table.rows) > MOST_LINES:
        begun = ["{" + fit.size, rf"\begin{{longtable}}{{{columns}}}", caption, label + r" \tabularnewline"]
        lines = [*begun, r"\toprule", head, r"\midrule", r"\endhead", *rows, r"\bottomrule", r"\end{longtable}", "}"]
    else:
        begun = [r"\begin{table}", r"\centering", fit.size, caption, label, rf"\begin{{tabular}}{{{columns}}}"]
        lines = [*begun, r"\toprule", head, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _lines(row: tuple[str, ...], fit: FittedTable) -> int:
    return max(int(-(-em(text) // width)) for text, width in zip(row, fit.widths, strict=True))


def _column(fit: FittedTable, width: float, *, numeric: bool) -> str:
    if not fit.breaks:
        return "r" if numeric else "l"
    ragged = r"\raggedleft" if numeric else r"\raggedright"
    return rf">{{{ragged}\arraybackslash}}p{{{width / fit.line:.3f}\linewidth}}"
