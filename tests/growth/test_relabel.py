import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from harness.core.errors import SpecError
from harness.core.label_map import LabelMap
from harness.growth.operations import SplitClass, WidenHead
from harness.growth.record import Columns
from harness.growth.relabel import as_old_columns, follow, grown_classes, grown_labels, grown_weights

COLUMNS = st.lists(st.integers(0, 3) | st.none(), min_size=1, max_size=9).map(tuple)


def test_children_have_their_parents_weight_and_new_classes_a_given_one() -> None:
    weights = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)

    grown = grown_weights(weights, (0, 1, 2, 1, 1, None), new=7)

    assert grown.tolist() == [1, 2, 3, 2, 2, 7]
    assert grown.dtype == torch.float64


def test_a_weighted_loss_follows_a_widening_and_a_split() -> None:
    model, weights = nn.Sequential(nn.Linear(3, 3)), torch.tensor([1.0, 2.0, 3.0])
    inputs, labels = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    before = nn.functional.cross_entropy(model(inputs), labels, weight=weights, reduction="none")
    generator = torch.Generator()

    split = SplitClass(path="0", parent=1, children=2).apply(model, probe=None, generator=generator)
    weights = grown_weights(weights, split.columns["0"])
    after = nn.functional.cross_entropy(model(inputs), labels, weight=weights, reduction="none")
    widening = WidenHead(path="0", to=6).apply(model, probe=None, generator=generator)
    weights = grown_weights(weights, widening.columns["0"])

    expected = before + torch.tensor([0.0, 2.0 * torch.log(torch.tensor(2.0)).item(), 0.0, 0.0])
    torch.testing.assert_close(after, expected)
    assert weights.tolist() == [1, 2, 3, 2, 1, 1]


@given(columns=COLUMNS)
def test_values_and_weights_and_predictions_agree(columns: Columns) -> None:
    values = [10.0, 11.0, 12.0, 13.0]

    followed = follow(values, columns, new=-5.0)

    assert grown_weights(torch.tensor(values), columns, new=-5.0).tolist() == list(followed)
    old = as_old_columns(torch.arange(len(columns)), columns).tolist()
    assert [-5.0 if index < 0 else values[index] for index in old] == list(followed)


def test_first_children_keep_their_class_and_all_others_get_one() -> None:
    labels = grown_labels([7, 8, 9], (0, 1, 2, 1, None), new=[20, 30])

    label_map = LabelMap.of({"known": labels})

    assert labels == (7, 8, 9, 20, 30)
    assert label_map.column[torch.tensor(labels)].tolist() == [0, 1, 2, 3, 4]


def test_classes_that_a_smaller_head_dropped_are_dropped() -> None:
    assert grown_labels([7, 8, 9], (2, None), new=[5]) == (9, 5)


@pytest.mark.parametrize(("new", "message"), [([1], "each of 2 columns"), ([1, 1], "each class in one column")])
def test_classes_must_fit_the_columns(new: list[int], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        grown_labels([7, 8], (0, 1, 1, None), new=new)


def test_values_for_too_few_columns_are_refused() -> None:
    with pytest.raises(SpecError, match="old columns 0 to 2, found 2 values"):
        grown_weights(torch.ones(2), (0, 1, 2))


@given(columns=COLUMNS)
def test_classes_of_their_own_are_given_out_as_labels_are(columns: Columns) -> None:
    labels, waiting = [10, 11, 12, 13], len(columns) - len({old for old in columns if old is not None})
    new = list(range(20, 20 + waiting))

    assert grown_classes(labels, columns, new) == grown_labels(labels, columns, new)


def test_a_shared_column_that_is_not_split_stays_shared() -> None:
    assert grown_classes([(1, 2), 3], (0, 1, None), [4]) == ((1, 2), 3, 4)


@pytest.mark.parametrize("new", [[], [4, 5], [3]])
def test_classes_that_do_not_fit_the_columns_are_refused(new: list[int]) -> None:
    with pytest.raises(SpecError, match="expected a class for each of 3 columns, 2 of them old"):
        grown_classes([(1, 2), 3], (0, 1, None), new)
