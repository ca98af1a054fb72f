import math
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.core.history import History, Series

SPECIAL = [math.nan, -math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, -2.2e-308, 1.7976931348623157e308, 0.1]
VALUES = st.floats() | st.sampled_from(SPECIAL)
POINTS = st.lists(st.tuples(st.integers(0, 30), st.dictionaries(st.sampled_from(["a", "b", "a:steps"]), VALUES)))


def history_of(points: list[tuple[int, dict[str, float]]]) -> History:
    history = History()
    for step, metrics in sorted(points, key=lambda point: point[0]):
        history.record(step, metrics)
    return history


def bits(values: Sequence[float]) -> list[bytes]:
    return [struct.pack("<d", value) for value in values]


HISTORIES = POINTS.map(history_of)


@given(steps=st.lists(st.integers(0, 2**53)), name=st.text(), data=st.data())
def test_bytes_keep_every_bit(steps: list[int], name: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(VALUES, min_size=len(steps), max_size=len(steps)))
    history = History()
    history.extend(name, Series(steps, values))

    back = History.from_bytes(history.to_bytes())

    assert list(back) == [name]
    assert back[name].steps == steps
    assert bits(back[name].values) == bits(values)


@given(history=HISTORIES)
@example(history=History())
def test_bytes_keep_every_series(history: History) -> None:
    back = History.from_bytes(history.to_bytes())

    assert back == history
    assert list(back) == list(history)
    assert all(type(step) is int for name in back for step in back[name].steps)
    assert all(type(value) is float for name in back for value in back[name].values)


def test_a_stored_history_is_read_from_its_file(tmp_path: Path) -> None:
    history = history_of([(1, {"loss": 0.5}), (2, {"loss": math.nan})])
    (tmp_path / "history").write_bytes(history.to_bytes())

    assert History.read(tmp_path / "history") == history


def test_histories_are_equal_to_the_bit() -> None:
    pairs = [(one, other) for one in SPECIAL for other in SPECIAL]

    equal = [pair for pair in pairs if history_of([(1, {"a": pair[0]})]) == history_of([(1, {"a": pair[1]})])]

    assert list(map(bits, equal)) == [bits(pair) for pair in pairs if bits(pair[:1]) == bits(pair[1:])]


@pytest.mark.parametrize(
    "other",
    [
        history_of([]),
        history_of([(1, {"a": 1.0})]),
        history_of([(1, {"a": 1.0}), (3, {"a": 2.0})]),
        history_of([(1, {"b": 1.0}), (2, {"b": 2.0})]),
        history_of([(1, {"a": 1.0}), (2, {"a": 2.0, "b": 2.0})]),
        {"a": 1.0},
    ],
)
def test_other_steps_names_or_things_are_not_equal(other: object) -> None:
    assert history_of([(1, {"a": 1.0}), (2, {"a": 2.0})]) != other


def test_the_order_in_which_names_came_does_not_matter() -> None:
    one = history_of([(1, {"a": 1.0, "b": 2.0})])

    assert one == history_of([(1, {"b": 2.0, "a": 1.0})])


@given(history=HISTORIES, step=st.integers(-1, 31))
def test_a_history_upto_a_step_holds_exactly_what_was_measured_till_then(history: History, step: int) -> None:
    part = history.upto(step)

    expected = {name: [known for known in history[name].steps if known <= step] for name in history}
    assert {name: part[name].steps for name in part} == {name: steps for name, steps in expected.items() if steps}
    assert all(bits(part[name].values) == bits(history[name].values[: len(part[name].steps)]) for name in part)


@given(points=POINTS, step=st.integers(-1, 31))
def test_a_history_is_its_beginning_followed_by_its_end(points: list[tuple[int, dict[str, float]]], step: int) -> None:
    whole = history_of(points)
    end = history_of([point for point in points if point[0] > step])

    assert whole.upto(step).then(end) == whole


@given(first=HISTORIES, second=HISTORIES, third=HISTORIES)
def test_then_is_associative_and_changes_neither_part(first: History, second: History, third: History) -> None:
    before = [part.to_bytes() for part in (first, second, third)]

    assert first.then(second).then(third) == first.then(second.then(third))
    assert [part.to_bytes() for part in (first, second, third)] == before


@pytest.mark.parametrize("part", [lambda h: h.upto(9), lambda h: h.then(History()), lambda h: History().then(h)])
def test_a_part_grows_alone(part: Callable[[History], History]) -> None:
    history = history_of([(1, {"a": 1.0})])

    part(history).record(2, {"a": 2.0})

    assert history == history_of([(1, {"a": 1.0})])


def test_a_series_is_appended_under_its_name() -> None:
    history, later = history_of([(1, {"a": 1.0})]), Series([2, 3], [2.0, 3.0])

    history.extend("a", later)
    history.extend("b", later)
    history.record(4, {"b": 4.0})

    assert history["a"] == Series([1, 2, 3], [1.0, 2.0, 3.0])
    assert history["b"] == Series([2, 3, 4], [2.0, 3.0, 4.0])
    assert later == Series([2, 3], [2.0, 3.0])


def test_the_later_of_two_values_at_a_step_counts() -> None:
    series = Series([1, 2, 2, 3], [1.0, 2.0, 2.5, 3.0])

    assert [series.at(step) for step in (1, 2, 3)] == [1.0, 2.5, 3.0]


@pytest.mark.parametrize("series", [Series(), Series([1, 3], [1.0, 3.0])])
def test_a_step_without_a_value_is_an_error(series: Series) -> None:
    with pytest.raises(KeyError, match="2"):
        series.at(2)


def test_a_history_names_what_it_has() -> None:
    history = history_of([(1, {"b": 1.0, "a": 2.0}), (2, {"b": 3.0})])

    assert list(history) == ["a", "b"]
    assert "a" in history
    assert "c" not in history
    assert len(history) == 3
    assert history.latest() == {"a": 2.0, "b": 3.0}


def test_a_history_has_no_hash() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(History())


def test_a_growing_history_is_told_in_parts_that_make_it_whole() -> None:
    history, reported, whole = History(), dict[str, int](), History()

    for step in range(1, 8):
        history.record(step, {"a": step / 2} if step % 2 else {"a": step / 2, "b": float(step)})
        if step in (2, 3, 7):
            whole = whole.then(history.since(reported))

    assert whole == history
    assert len(history.since(reported)) == 0
