import pandas as pd
import pytest
from matplotlib.figure import Figure

from harness.reporting.figures._base import Picture, ReportFigure
from harness.reporting.figures.every_arm import every_arm_figure
from harness.reporting.figures.pairs import pairs_figure
from harness.reporting.sections import GLANCE, NOT_COMPARED, SECTIONS, Make, Part, SectionSpec, sections_of
from harness.reporting.tables._base import ReportTable
from harness.reporting.tables.primary import primary_table

MAKES = [*GLANCE, *(make for spec in SECTIONS for make in (*spec.shown, *spec.folded))]


def made(*makes: Make) -> dict[Make, Part | None]:
    """Return figures and tables without content, which `makes` are to have made."""
    return {make: ReportFigure(make.__name__, "", "", "", pd.DataFrame(), Picture(Figure)) for make in makes}


def test_sections_are_always_the_same_in_the_same_order() -> None:
    full = sections_of(made(*MAKES), {}, compared=True)
    empty = sections_of({}, {}, compared=False)

    assert [section.anchor for section in full] == [section.anchor for section in empty]
    assert [section.number for section in full] == [*range(1, 15)]


def test_nothing_is_shown_twice() -> None:
    assert len(MAKES) == len(set(MAKES))


def test_anchors_and_slugs_are_unique_and_plain() -> None:
    sections = sections_of(made(*MAKES), {}, compared=True)

    for names in ([section.anchor for section in sections], [section.slug for section in sections]):
        assert len(set(names)) == len(names)
        assert all(name.replace("-", "").isalnum() and name.isascii() for name in names)


@pytest.mark.parametrize("spec", SECTIONS, ids=lambda spec: spec.anchor)
def test_a_section_without_data_says_so_in_one_line(spec: SectionSpec) -> None:
    (section,) = (one for one in sections_of({}, {}, compared=True) if one.anchor == spec.anchor)

    assert section.sentences == (spec.nothing,)
    assert section.parts == section.folded == ()


def test_before_anything_can_be_compared_sections_that_compare_say_so() -> None:
    sentences = {"primary": ["a sentence about a mean that is not there"]}

    sections = sections_of(made(*MAKES), sentences, compared=False)

    waiting = {section.anchor for section in sections if section.sentences == (NOT_COMPARED,)}
    assert waiting == {spec.anchor for spec in SECTIONS if spec.compares}
    assert not any(section.parts for section in sections if section.anchor in waiting)


def test_parts_come_in_the_order_of_the_section_and_sentences_first() -> None:
    parts = made(pairs_figure, every_arm_figure)

    (primary,) = (s for s in sections_of(parts, {"primary": ["A."]}, compared=True) if s.anchor == "primary")

    assert primary.sentences == ("A.",)
    assert primary.parts == ("every_arm_figure", "pairs_figure")


def test_a_table_without_rows_is_not_shown() -> None:
    empty = ReportTable("primary", "", (), (), (), pd.DataFrame())

    (primary,) = (s for s in sections_of({primary_table: empty}, {}, compared=True) if s.anchor == "primary")

    assert primary.parts == ()
