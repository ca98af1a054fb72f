import pytest

from harness.reporting.sections import NOT_COMPARED, PLAN, Plan, sections_of

EVERYTHING = {name for plan in PLAN for name in (*plan.parts, *plan.folded)}


def test_sections_are_always_the_same_in_the_same_order() -> None:
    full = sections_of(EVERYTHING, {}, compared=True)
    empty = sections_of(set(), {}, compared=False)

    assert [section.anchor for section in full] == [section.anchor for section in empty]
    assert [section.place for section in full] == [*range(1, 15)]


def test_nothing_is_shown_twice() -> None:
    shown = [name for plan in PLAN for name in (*plan.parts, *plan.folded)]

    assert len(shown) == len(set(shown))


def test_anchors_and_slugs_are_unique_and_plain() -> None:
    sections = sections_of(EVERYTHING, {}, compared=True)

    for found in ([section.anchor for section in sections], [section.slug for section in sections]):
        assert len(set(found)) == len(found)
        assert all(name.replace("-", "").isalnum() and name.isascii() for name in found)


@pytest.mark.parametrize("plan", PLAN, ids=lambda plan: plan.anchor)
def test_a_section_without_data_says_so_in_one_line(plan: Plan) -> None:
    (section,) = (found for found in sections_of(set(), {}, compared=True) if found.anchor == plan.anchor)

    assert section.sentences == (plan.nothing,)
    assert section.parts == section.folded == ()


def test_before_anything_can_be_compared_sections_that_compare_say_so() -> None:
    sections = sections_of(EVERYTHING, {"primary": ["a sentence about a mean that is not there"]}, compared=False)

    waiting = {section.anchor for section in sections if section.sentences == (NOT_COMPARED,)}
    assert waiting == {plan.anchor for plan in PLAN if plan.compares}
    assert not any(section.parts for section in sections if section.anchor in waiting)


def test_parts_come_in_the_order_of_the_plan_and_words_first() -> None:
    present = {"pairs", "paired_differences", "a stranger"}

    (primary,) = (s for s in sections_of(present, {"primary": ["A."]}, compared=True) if s.anchor == "primary")

    assert primary.sentences == ("A.",)
    assert primary.parts == ("paired_differences", "pairs")
