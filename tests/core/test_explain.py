from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from harness.core.explain import a, close_match, explain, unknown_field


class Pen(BaseModel):
    width: Annotated[float, Field(gt=0)] | Literal["fine"] = 1.0
    colors: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)] = ("red",)
    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    named: dict[str, int] = {}
    on: bool = True


def said(content: object, name: str = "") -> str:
    with pytest.raises(ValidationError) as caught:
        Pen.model_validate(content)
    return explain(caught.value, name)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"width": "wide"}, "width: expected a number or 'fine', found 'wide'"),
        ({"width": -1}, "width: expected a number above 0 or 'fine', found -1"),
        ({"share": 2}, "share: expected a number of at most 1, found 2"),
        ({"colors": ()}, "colors: expected 1 or more entries, found ()"),
        ({"colors": "abc"}, "colors: expected a tuple, found 'abc'"),
        ({"named": {"a": "x"}}, "named.a: expected a whole number, found 'x'"),
        ({"on": "perhaps"}, "on: expected true or false, found 'perhaps'"),
        ("pen", "expected a Pen, found 'pen'"),
        ({"share": "x" * 200}, f"share: expected a number, found '{'x' * 76}..."),
    ],
)
def test_a_problem_is_said_in_own_words(content: object, line: str) -> None:
    assert said(content) == line
    assert said(content, "Pen").startswith(("Pen.", "Pen: "))


def test_of_many_problems_the_first_are_said_and_the_rest_counted() -> None:
    line = said({"width": -1, "colors": (), "share": 2, "named": 3, "on": "x"})

    assert line.count(" | ") == 3
    assert line.endswith("| and 2 more")


@pytest.mark.parametrize(
    ("name", "known", "match"),
    [
        ("wdth", ["width", "share"], " Did you mean 'width'?"),
        ("flip", ["random_shift", "horizontal_flip"], " Did you mean 'horizontal_flip'?"),
        ("Mlp", ["MAP", "MLP"], " Did you mean 'MLP'?"),
        ("zzz", ["width"], ""),
        ("x", [], ""),
    ],
)
def test_the_likely_name_is_one_that_is_like_it_or_has_a_part_like_it(name: str, known: list[str], match: str) -> None:
    assert close_match(name, known) == match


def test_a_kind_is_no_field_to_be_given() -> None:
    assert unknown_field("Pen", "wdth", ["kind", "width"]) == (
        "Pen has no field 'wdth'. Did you mean 'width'? There are: width."
    )


def test_nouns_have_their_article() -> None:
    assert (a("Loss"), a("Operation")) == ("a Loss", "an Operation")
