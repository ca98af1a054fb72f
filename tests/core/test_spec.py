import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, PositiveInt, ValidationError

from harness.core.errors import SpecError
from harness.core.spec import LeafSpec, Spec, did_you_mean, explain, flatten, parse_assignments, with_changes


class AbstractShape(LeafSpec):
    @abstractmethod
    def area(self) -> float: ...


class Point(AbstractShape):
    kind: Literal["point"] = "point"

    def area(self) -> float:
        return 0.0


class Square(AbstractShape):
    kind: Literal["square"] = "square"
    side: PositiveInt

    def area(self) -> float:
        return float(self.side**2)


class AbstractGroup(AbstractShape):
    """A family within the family."""


class Frame(AbstractGroup):
    kind: Literal["frame"] = "frame"
    inner: AbstractShape
    others: tuple[AbstractShape, ...] = ()

    def area(self) -> float:
        return self.inner.area()


class Pen(Spec):
    width: float = 1.0
    color: str | None = None


class Drawing(Spec):
    shape: AbstractShape
    pen: Pen = Pen()
    layers: tuple[AbstractShape, ...] = ()
    named: Mapping[str, AbstractShape] = Field(default_factory=dict)


DRAWING = Drawing(shape=Square(side=2), layers=(Point(), Square(side=3)), named={"a": Frame(inner=Point())})

SHAPES = st.recursive(
    st.just(Point()) | st.builds(Square, side=st.integers(1, 9)),
    lambda inner: st.builds(Frame, inner=inner, others=st.lists(inner, max_size=2).map(tuple)),
    max_leaves=5,
)
DRAWINGS = st.builds(
    Drawing,
    shape=SHAPES,
    pen=st.builds(Pen, width=st.floats(allow_nan=False, allow_infinity=False), color=st.none() | st.text()),
    layers=st.lists(SHAPES, max_size=2).map(tuple),
    named=st.dictionaries(st.text(), SHAPES, max_size=2),
)


class Album(Spec):
    shapes: tuple[AbstractShape, ...] = ()
    named: dict[str, AbstractShape] = Field(default_factory=dict)
    cover: AbstractShape = Point()


ALBUM = Album(shapes=(Square(side=1), Square(side=2), Square(side=3)), named={"one": Point(), "two": Square(side=4)})


def test_items_are_left_out_after_all_fields_are_replaced() -> None:
    changes = {"shapes.0.side": 7, "shapes.1.side": 8, "shapes.2.side": 9}

    changed = with_changes(ALBUM, changes, without=["shapes.0", "shapes.1", "named.one"])

    assert changed == Album(shapes=(Square(side=9),), named={"two": Square(side=4)})


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("cover", "expected an item of a list or a mapping to leave out, found 'cover', a field of every run"),
        ("shapes.1.side", "found 'shapes.1.side', a field"),
        ("named.two.side", "found 'named.two.side', a field"),
        ("shapes.3", "expected an index below 3"),
        ("named.three", "'three' is unknown. There are: one, two."),
    ],
)
def test_what_is_no_item_cannot_be_left_out(path: str, message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        with_changes(ALBUM, {}, without=[path])


@given(drawing=DRAWINGS)
def test_nested_leaves_survive_json(drawing: Drawing) -> None:
    back = Drawing.model_validate(drawing.to_json())

    assert back == drawing
    assert type(back.shape) is type(drawing.shape)


@given(drawing=DRAWINGS)
def test_nested_leaves_survive_json_text(drawing: Drawing) -> None:
    text = drawing.model_dump_json()

    assert Drawing.model_validate_json(text).to_json() == drawing.to_json()


def test_a_leaf_keeps_its_own_fields_behind_the_type_of_its_family() -> None:
    content = DRAWING.to_json()

    assert content["shape"] == {"kind": "square", "side": 2}
    assert content["named"]["a"]["inner"] == {"kind": "point"}


def test_a_leaf_without_arguments_may_be_written_as_its_kind() -> None:
    drawing = Drawing.model_validate({"shape": "point", "layers": ["point", {"kind": "square", "side": 1}]})

    assert drawing == Drawing(shape=Point(), layers=(Point(), Square(side=1)))


def test_a_leaf_that_is_defined_later_is_found() -> None:
    class Circle(AbstractShape):
        kind: Literal["circle"] = "circle"

        def area(self) -> float:
            return 3.0

    assert isinstance(AbstractShape.model_validate("circle"), Circle)


def test_a_leaf_is_kept_as_it_is() -> None:
    square = Square(side=2)

    assert AbstractShape.model_validate(square) is square


def test_a_family_within_a_family_takes_its_own_leaves_only() -> None:
    assert isinstance(AbstractGroup.model_validate({"kind": "frame", "inner": "point"}), Frame)
    with pytest.raises(ValidationError, match="expected a kind among frame; found 'point'"):
        AbstractGroup.model_validate("point")


def test_a_spec_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        DRAWING.pen = Pen(width=2)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"shape": "pint"}, "shape: expected a kind among "),
        ({"shape": "pint"}, "found 'pint'"),
        ({"shape": {"side": 2}}, "found none"),
        ({"shape": 3}, "shape: expected a Shape, found 3"),
        ({"shape": "square"}, "shape.side: expected a value, found none"),
        ({"shape": {"kind": "square", "side": 0}}, "shape.side: expected a number above 0, found 0"),
        ({"shape": "point", "pen": {"width": "w"}}, "pen.width: expected a number, found 'w'"),
        ({"shape": "point", "pen": {"ink": 1}}, "pen: Pen has no field 'ink'. There are: width, color."),
        (
            {"shape": "point", "layers": ["point", {"kind": "square", "side": -1}]},
            "layers.1.side: expected a number above 0, found -1",
        ),
        (
            {"shape": {"kind": "frame", "inner": {"kind": "square", "size": 1}}},
            "shape.inner: Square has no field 'size'. Did you mean 'side'?",
        ),
        ({"shape": "point", "named": {"a": "pint"}}, "named.a: expected a kind among "),
        ({"shape": "point", "pen": {"width": "a\nb"}}, r"found 'a\nb'"),
        ({"shape": "point", "pen": {"width": "w" * 500}}, ", found 'www"),
        ("drawing", "expected a Drawing, found 'drawing'"),
    ],
)
def test_an_error_says_where_and_what_in_one_line(content: Any, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Drawing.model_validate(content)

    text = explain(caught.value)
    assert message in text
    assert "\n" not in text
    assert len(text) < 300


def test_all_problems_of_a_spec_are_named_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        Drawing.model_validate({"shape": {"kind": "square", "side": 0}, "pen": {"ink": 1}})

    where = [part.partition(":")[0] for part in explain(caught.value).split(" | ")]
    assert where == ["shape.side", "pen"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, DRAWING),
        ({"pen.width": 3}, DRAWING.model_copy(update={"pen": Pen(width=3)})),
        ({"pen.width": "0.5"}, DRAWING.model_copy(update={"pen": Pen(width=0.5)})),
        ({"pen.width": 3, "pen.color": "red"}, DRAWING.model_copy(update={"pen": Pen(width=3, color="red")})),
        ({"shape.side": 5}, DRAWING.model_copy(update={"shape": Square(side=5)})),
        ({"shape": "point"}, DRAWING.model_copy(update={"shape": Point()})),
        ({"shape": Square(side=7)}, DRAWING.model_copy(update={"shape": Square(side=7)})),
        ({"shape": Square(side=7), "shape.side": 8}, DRAWING.model_copy(update={"shape": Square(side=8)})),
        ({"layers.1.side": 4}, DRAWING.model_copy(update={"layers": (Point(), Square(side=4))})),
        ({"layers.0": "point"}, DRAWING),
        ({"layers": []}, DRAWING.model_copy(update={"layers": ()})),
        ({"named.a.inner": Square(side=1)}, DRAWING.model_copy(update={"named": {"a": Frame(inner=Square(side=1))}})),
    ],
)
def test_fields_are_replaced_at_dotted_paths(changes: dict[str, Any], expected: Drawing) -> None:
    before = DRAWING.to_json()

    changed = with_changes(DRAWING, changes)

    assert changed == expected
    assert DRAWING.to_json() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pen.widht": 1}, "no field 'pen.widht': 'widht' is unknown. Did you mean 'width'? There are: width, color."),
        ({"pan.width": 1}, "no field 'pan.width': 'pan' is unknown. Did you mean 'pen'? "),
        ({"zzz": 1}, "no field 'zzz': 'zzz' is unknown. There are: shape, pen, layers, named."),
        ({"named.b": "point"}, "no field 'named.b': 'b' is unknown. There are: a."),
        ({"pen.width.x": 1}, "no field 'pen.width.x': a plain value has no field 'x'."),
        ({"layers.2.side": 1}, "no field 'layers.2.side': expected an index below 2, found '2'."),
        ({"layers.-1.side": 1}, "expected an index below 2, found '-1'."),
        ({"layers.last": "point"}, "expected an index below 2, found 'last'."),
        ({"": 1}, "no field '': '' is unknown."),
        ({"pen.width": "w"}, "pen.width: expected a number, found 'w'"),
        ({"shape.side": 0}, "shape.side: expected a number above 0, found 0"),
        ({"shape": "pint"}, "shape: expected a kind among "),
        ({"shape": "square"}, "shape.side: expected a value, found none"),
        ({"shape.kind": "point"}, "shape: Point has no field 'side'. There are: none."),
    ],
)
def test_an_impossible_change_names_the_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        with_changes(DRAWING, changes)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@given(drawing=DRAWINGS.filter(lambda drawing: not drawing.named))
def test_assigning_every_leaf_its_own_value_changes_nothing(drawing: Drawing) -> None:
    flat = flatten(drawing.to_json())

    assert with_changes(drawing, flat) == drawing


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("a=1", "a", 1),
        ("a.b.0=2.5e-3", "a.b.0", 0.0025),
        ("a=true", "a", True),
        ("a=null", "a", None),
        ('a="1"', "a", "1"),
        ("a=adam", "a", "adam"),
        ("a=x=y", "a", "x=y"),
        ("a=", "a", ""),
        ("a=[1, 2]", "a", [1, 2]),
        ('a={"kind": "sgd"}', "a", {"kind": "sgd"}),
        ("a={kind", "a", "{kind"),
    ],
)
def test_an_assignment_is_json_or_text(text: str, path: str, value: Any) -> None:
    assert parse_assignments([text]) == {path: value}


def test_the_last_of_two_assignments_counts() -> None:
    assert parse_assignments(["a=1", "b=2", "a=3"]) == {"a": 3, "b": 2}


@pytest.mark.parametrize("text", ["a", "", "=1", "="])
def test_an_assignment_without_a_path_or_a_sign_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="expected PATH=VALUE, found"):
        parse_assignments([text])


@pytest.mark.parametrize(
    ("content", "flat"),
    [
        ({}, {"": {}}),
        ({"a": 1, "b": None}, {"a": 1, "b": None}),
        ({"a": {"b": {"c": 1}, "d": 2}}, {"a.b.c": 1, "a.d": 2}),
        ({"a": {}, "b": []}, {"a": {}, "b": []}),
        ({"a": [1, 2]}, {"a": [1, 2]}),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a.0.b": 1, "a.1.b": 2}),
        ({"a": [1, {"b": 2}]}, {"a.0": 1, "a.1.b": 2}),
    ],
)
def test_leaves_of_json_are_named_by_their_paths(content: Any, flat: dict[str, Any]) -> None:
    assert flatten(content) == flat


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        ("widht", ["width", "color"], " Did you mean 'width'? There are: width, color."),
        ("zzz", ["width", "color"], " There are: width, color."),
        ("zzz", [], " There are: none."),
    ],
)
def test_the_likely_name_is_said_first(name: str, known: list[str], message: str) -> None:
    assert did_you_mean(name, iter(known)) == message


class Grown(Spec):
    later: ClassVar[tuple[str, ...]] = ("new", "inner")
    old: int = 1
    new: int = 2
    inner: "Grown | None" = None


class Holding(Spec):
    items: tuple[Grown, ...] = ()
    by_name: Mapping[int, Grown] = {}


def test_later_fields_are_left_out_at_their_defaults_at_any_depth_and_can_be_changed() -> None:
    holding = Holding(items=(Grown(), Grown(new=3, inner=Grown(old=5))), by_name={1: Grown()})

    written = holding.to_json()

    assert written == {
        "items": [
            {"old": 1},
            {"old": 1, "new": 3, "inner": {"old": 5}},
        ],
        "by_name": {"1": {"old": 1}},
    }
    assert Holding.model_validate(written) == holding
    assert with_changes(holding, {"items.0.new": 4}).items[0] == Grown(new=4)


def test_a_later_field_can_be_changed_although_it_is_left_out() -> None:
    assert with_changes(Holding(items=(Grown(),)), {"items.0.new": 5}).items[0].new == 5


def test_changes_elsewhere_add_no_later_field_to_plain_values() -> None:
    free = Free(anything={"items": (Grown(),)})

    changed = with_changes(free, {"other": 3})

    assert changed.to_json() == {**free.to_json(), "other": 3}
    assert with_changes(free, {"anything.items.0.new": 7}).anything["items"][0]["new"] == 7


class Free(Spec):
    anything: Mapping[str, Any] = {}
    other: int = 1
