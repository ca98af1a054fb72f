from typing import Any, Literal

import pytest
from pydantic import PositiveInt, ValidationError

from harness.core.errors import SpecError
from harness.core.spec import LeafSpec, Spec


class Tip(LeafSpec):
    kind: Literal["tip"] = "tip"
    size: PositiveInt


class Leaf(Spec):
    path: str
    to: PositiveInt | None = None
    share: float = 0.5
    deep: bool | int = 1


class Case(Spec):
    tips: tuple[Tip, ...]


WRONGLY: Any = Tip  # what a type checker would refuse


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Tip(size=0), "Tip.size: expected a number above 0, found 0"),
        (lambda: WRONGLY(), "Tip.size: expected a value, found none"),
        (lambda: WRONGLY(siz=3), "Tip has no field 'siz'. Did you mean 'size'? There are: size."),
        (lambda: WRONGLY(3), "Tip: expected fields by name, such as Tip(size=3), found 1 without"),
        (lambda: WRONGLY(True), "Tip: expected fields by name, such as Tip(size=True), found 1 without"),
        (lambda: WRONGLY(size=True), "Tip.size: expected a number, found True"),
        (lambda: Leaf("2", 5), "Leaf: expected fields by name, such as Leaf(path='2', to=5), found 2 without"),  # type: ignore[call-arg]
        (lambda: Leaf(path="2", to=True), "Leaf.to: expected a number, found True"),
        (lambda: Leaf(path="2", share=False), "Leaf.share: expected a number, found False"),
        (
            lambda: Case(tips=Tip(size=3)),
            "Case.tips: expected a tuple, found one Tip; put it in brackets, with a comma",
        ),
        (lambda: Case(tips=[{"size": 0}]), "Case.tips.0.size: expected a number above 0, found 0"),
    ],
)
def test_a_spec_that_is_made_wrongly_says_so_in_one_line(make: object, line: str) -> None:
    with pytest.raises(SpecError) as refused:
        make()  # type: ignore[operator]

    assert str(refused.value) == line


def test_flags_are_taken_where_they_are_meant() -> None:
    assert Leaf(path="2", deep=True).deep is True


def test_what_is_read_raises_pydantics_error_which_says_where_within_the_whole() -> None:
    with pytest.raises(ValidationError):
        Case.model_validate({"tips": [{"size": 0}]})
