from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.core.label_map import LabelMap


@st.composite
def heads_and_classes(draw: st.DrawFn) -> dict[str, tuple[int, ...]]:
    """Draw heads whose classes, in any order and with gaps, belong to one head each."""
    labels = draw(st.lists(st.integers(0, 20), min_size=1, unique=True))
    owners = draw(st.lists(st.integers(0, 3), min_size=len(labels), max_size=len(labels)))
    heads: dict[str, list[int]] = {f"head{owner}": [] for owner in owners}
    for label, owner in zip(labels, owners, strict=True):
        heads[f"head{owner}"].append(label)
    return {head: tuple(group) for head, group in heads.items()}


@given(classes=heads_and_classes())
def test_columns_are_those_of_the_joined_logits(classes: dict[str, tuple[int, ...]]) -> None:
    label_map = LabelMap.of(classes)

    joined = [(head, label) for head, group in classes.items() for label in group]
    for column, (head, label) in enumerate(joined):
        assert label_map.column[label] == column
        assert label_map.heads[int(label_map.head[label])] == head


@given(classes=heads_and_classes())
def test_a_class_without_a_head_has_no_column(classes: dict[str, tuple[int, ...]]) -> None:
    label_map = LabelMap.of(classes)

    answered = {label for group in classes.values() for label in group}
    silent = [label for label in range(len(label_map.column)) if label not in answered]
    assert (label_map.column[silent] == -1).all()
    assert (label_map.head[silent] == -1).all()


@given(classes=heads_and_classes(), labels=st.lists(st.integers(0, 40)))
def test_known_are_the_labels_that_some_head_answers_for(
    classes: dict[str, tuple[int, ...]], labels: list[int]
) -> None:
    known = LabelMap.of(classes).known(torch.tensor(labels, dtype=torch.int64))

    answered = {label for group in classes.values() for label in group}
    assert known.tolist() == [label in answered for label in labels]


def test_heads_stay_in_the_order_of_their_birth() -> None:
    assert LabelMap.of({"z": (0,), "a": (1,)}).heads == ("z", "a")


@pytest.mark.parametrize("name", ["column", "head"])
def test_indices_can_index(name: str) -> None:
    found: Any = getattr(LabelMap.of({"a": (0, 2)}, device=torch.device("cpu")), name)

    assert found.dtype == torch.int64
    assert found.device == torch.device("cpu")


def test_a_new_head_moves_no_column() -> None:
    before = LabelMap.of({"known": (0, 3)})
    after = LabelMap.of({"known": (0, 3), "late": (2, 1)})

    assert after.column[[0, 3]].tolist() == before.column[[0, 3]].tolist() == [0, 1]
    assert after.column[[2, 1]].tolist() == [2, 3]


@pytest.mark.parametrize("label", [-1, -5])
def test_a_negative_label_is_not_known(label: int) -> None:
    assert not LabelMap.of({"known": (0, 1)}).known(torch.tensor([label])).any()


def test_classes_that_share_a_column_are_one_class_to_the_network() -> None:
    label_map = LabelMap.of({"parity": ((0, 2), (1, 3))})

    assert label_map.column.tolist() == label_map.within.tolist() == [0, 1, 0, 1]
    assert label_map.sizes == (2,)


def test_columns_of_hidden_classes_do_not_compete() -> None:
    label_map = LabelMap.of({"a": (0, 1, 2), "b": (3, 4)}, hidden=(1, 3, 4), arrived={2: 5})
    outputs = {"a": torch.tensor([[1.0, 2.0, 3.0]]), "b": torch.tensor([[4.0, 5.0]])}

    assert label_map.heads == ("a",)
    assert label_map.joined(outputs).tolist() == [[1, 3]]
    assert label_map.column.tolist() == [0, -1, 1, -1, -1]
    assert label_map.arrival.tolist() == [0, -1, 5, -1, -1]
    assert label_map.arrivals == (0, 5)
    assert label_map.sizes == (3,)


def test_a_column_stays_while_one_of_its_classes_can_be_seen() -> None:
    label_map = LabelMap.of({"parity": ((0, 2), (1, 3))}, hidden=(2, 3))

    assert label_map.column.tolist() == [0, 1, -1, -1]
    assert label_map.chosen == (None,)


def test_without_heads_all_classes_can_be_seen_that_are_not_hidden() -> None:
    label_map = LabelMap.of({}, hidden=(2,), arrived={1: 3})

    assert label_map.known(torch.tensor([0, 1, 2, 7])).tolist() == [True, True, False, True]
    assert label_map.arrival_of(torch.tensor([0, 1, 7])).tolist() == [0, 3, 0]
    assert label_map.heads == ()


@given(classes=heads_and_classes())
def test_joined_logits_without_hidden_classes_are_those_of_the_heads(classes: dict[str, tuple[int, ...]]) -> None:
    outputs = {head: torch.randn(2, len(group)) for head, group in classes.items()}

    joined = LabelMap.of(classes).joined(outputs)

    assert torch.equal(joined, torch.cat(list(outputs.values()), dim=1))


@given(classes=heads_and_classes(), data=st.data())
def test_the_smallest_value_of_a_columns_classes_is_what_a_scatter_finds(
    classes: dict[str, tuple[int, ...]], data: st.DataObject
) -> None:
    some = next(iter(classes))
    columns = {**classes, some: (classes[some], 21)}  # the classes of one head share a column
    hidden = data.draw(st.sets(st.sampled_from([*range(21)]), max_size=5))
    label_map = LabelMap.of(columns, hidden=hidden, arrived={label: label % 4 for label in range(22)})
    values = torch.tensor(data.draw(st.permutations(range(len(label_map.column)))))

    found = label_map.first_by_column(values)

    seen = label_map.column >= 0
    empty = torch.full((int(label_map.column.max()) + 1,), torch.iinfo(torch.int64).max)
    expected = empty.scatter_reduce(0, label_map.column[seen], values[seen], "amin")
    assert torch.equal(found, expected)
    assert len(found) == label_map.columns
