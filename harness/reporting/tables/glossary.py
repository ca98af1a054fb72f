"""What the words of a report mean."""

from harness.reporting.context import ReportContext
from harness.reporting.tables._base import ReportTable, table_of_words
from harness.reporting.text.words import WORDS

__all__ = ["glossary_table"]


def glossary_table(_context: ReportContext) -> ReportTable | None:
    """Return the words with their meanings."""
    rows = [(word.word, word.meaning) for word in WORDS]
    return table_of_words("glossary", "Words", ("word", "what it means here"), rows)
