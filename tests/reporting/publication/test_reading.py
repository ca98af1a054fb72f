import pandas as pd
import pytest

from harness.reporting.publication.reading import HEAD, MOST_TOLD, elsewhere_of, explained, told_tables, untold_tables
from harness.reporting.sections import Section
from harness.reporting.tables._base import ReportTable, table_of_words


def section(anchor: str, *parts: str, folded: tuple[str, ...] = (), sentence: str = "") -> Section:
    return Section(1, anchor, anchor.title(), (sentence,), parts, folded)


def table(name: str, words: int = 1) -> ReportTable:
    return table_of_words(name, name.title(), ("a",), [("word " * words,)])


def test_tables_are_told_by_importance_as_long_as_there_is_room() -> None:
    tables = {"outcomes": table("outcomes"), "arms": table("arms", MOST_TOLD), "primary": table("primary")}

    assert told_tables(tables) == ("primary", "outcomes")


def test_an_empty_table_and_one_that_is_not_listed_are_not_told() -> None:
    empty = ReportTable("primary", "", (), (), (), pd.DataFrame())

    assert told_tables({"primary": empty, "runs": table("runs")}) == ()


def test_every_table_of_the_report_is_told_or_named_with_its_place() -> None:
    sections = [section("primary", "primary", folded=("sensitivity",)), section("power", "power")]
    tables = {name: table(name) for name in ("primary", "sensitivity", "power")}

    untold = untold_tables(sections, tables, ["power"])

    assert untold == [(sections[0], ("primary", "sensitivity"))]
    named = [("Primary", "details.md"), ("Sensitivity", "details.md")]
    assert elsewhere_of(sections, tables, ["power"]) == {"primary": named}


@pytest.mark.parametrize(("head", "places"), [("An arm.", [HEAD]), ("", ["two"])])
def test_a_word_is_explained_where_it_is_met_first_and_only_there(head: str, places: list[str]) -> None:
    sections = [section("one"), section("two", sentence="Two arms."), section("three", sentence="An arm again.")]

    words = explained([head], sections, lambda _: [])

    assert [anchor for anchor, found in words.items() if found] == places
