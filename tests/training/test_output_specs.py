from typing import Any

import pytest
import torch
from torch import nn

from harness.core.errors import SpecError
from harness.core.label_map import Column, labels_of
from harness.data import Output, Split, TaskData
from harness.growth import (
    AbstractOperation,
    AttachHead,
    Change,
    GrowthEvent,
    NoFreezing,
    Probe,
    ReplaceHead,
    SplitClass,
    ToggleHead,
    Unchanged,
    WidenHead,
)
from harness.growth.lineage import replay
from harness.models import MLP, GrowableModel
from harness.training.optimizers import AdamW
from harness.training.output_specs import output_at, output_specs
from harness.training.state import fresh_state

PROBE = Probe(torch.zeros(2, 4))
EMPTY = Split(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))


def data_of(classes: dict[str, tuple[Column, ...]], **rest: Any) -> TaskData:
    return TaskData(EMPTY, EMPTY, EMPTY, classes, **rest)


def network(columns: int) -> GrowableModel:
    with torch.random.fork_rng():
        return GrowableModel(MLP(inputs=4, widths=(3,)).build(columns), "known")


def change(operation: AbstractOperation, **rest: Any) -> Change:
    return Change(operation=operation, freeze=NoFreezing(), **rest)


def told(data: TaskData, *changes: Change) -> dict[str, list[int]]:
    """Return what can be seen after each growth: by label, its column; and the last state's arrivals."""
    first = next(iter(data.classes))
    state = fresh_state(network(len(data.classes[first])), AdamW(), seed=0, precision="fp32")
    columns = []
    for one in changes:
        columns.append(output_specs(state.model, state.lineage, state.effects, data).label_map.column.tolist())
        state.grow(one, probe=PROBE)
    now = output_specs(state.model, state.lineage, state.effects, data).label_map
    columns.append(now.column.tolist())
    _, _, effects = replay(network(len(data.classes[first])), state.lineage, probe=lambda _: PROBE)
    again = output_specs(state.model, state.lineage, effects, data).label_map
    assert again.column.tolist() == now.column.tolist()
    return {"first": columns[0], "last": columns[-1], "arrival": now.arrival.tolist()}


def test_a_head_brings_its_classes() -> None:
    data = data_of({"known": (0, 1), "late": (3, 2)})

    found = told(data, change(AttachHead(name="late", outputs=2, tap="hidden")))

    assert found == {"first": [0, 1], "last": [0, 1, 3, 2], "arrival": [0, 0, 1, 1]}


def test_new_columns_answer_for_the_classes_that_are_revealed() -> None:
    found = told(data_of({"known": (2, 0)}), change(WidenHead(path="output", to=4), reveals=(3, 1)))

    assert found == {"first": [1, -1, 0], "last": [1, 3, 0, 2], "arrival": [0, 1, 0, 1]}


def test_children_answer_for_the_classes_that_shared_their_parents_column() -> None:
    found = told(data_of({"known": (0, (1, 3), 2)}), change(SplitClass(path="output", parent=1, children=2)))

    assert found == {"first": [0, 1, 2, 1], "last": [0, 1, 2, 3], "arrival": [0, 0, 0, 0]}


def test_a_layer_in_anothers_place_answers_for_all_that_is_revealed() -> None:
    found = told(data_of({"known": ((0, 1), (2, 3))}), change(ReplaceHead(path="output", to=4), reveals=(0, 1, 2, 3)))

    assert found == {"first": [0, 0, 1, 1], "last": [0, 1, 2, 3], "arrival": [0, 0, 0, 0]}


def test_hidden_classes_come_when_they_are_revealed() -> None:
    data = data_of({"known": (0, 1, 2, 3)}, hidden=(1, 2, 3))

    found = told(data, change(Unchanged(), reveals=(3,)), change(Unchanged()), change(Unchanged(), reveals=(2,)))

    assert found == {"first": [0, -1, -1, -1], "last": [0, -1, 1, 2], "arrival": [0, -1, 3, 1]}


def test_a_head_that_is_off_answers_for_nothing() -> None:
    data = data_of({"known": (0,), "late": (1,)})
    attach, off = change(AttachHead(name="late", outputs=1, tap="hidden")), change(ToggleHead(name="late", on=False))

    assert told(data, attach, off)["last"] == [0]
    assert told(data, attach, off, change(ToggleHead(name="late", on=True)))["last"] == [0, 1]


def test_growth_after_growth_is_followed() -> None:
    data = data_of({"known": (0, (1, 2))})
    changes = (
        change(WidenHead(path="output", to=3), reveals=(5,)),
        change(SplitClass(path="output", parent=1, children=2)),
        change(SplitClass(path="output", parent=0, children=2), reveals=(4,)),
    )

    found = told(data, *changes)

    assert found["last"] == [0, 1, 3, -1, 4, 2]
    assert found["arrival"] == [0, 0, 0, -1, 3, 1]


@pytest.mark.parametrize(
    ("classes", "wrong", "message"),
    [
        ((0, 1), change(WidenHead(path="output", to=4), reveals=(2,)), "expected a class for each of 4 columns"),
        ((0, 1), change(WidenHead(path="output", to=3), reveals=(2, 3)), "expected a class for each of 3 columns"),
        ((0, (1, 2, 3)), change(SplitClass(path="output", parent=1, children=2)), "expected 3 children of column 1"),
    ],
)
def test_columns_whose_classes_nobody_named_are_refused(
    classes: tuple[Column, ...], wrong: Change, message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        told(data_of({"known": classes}), wrong)


def test_regression_sees_everything_that_is_not_hidden() -> None:
    data = TaskData(EMPTY, EMPTY, EMPTY, {}, outputs={"load": Output()}, hidden=(1,))
    model = GrowableModel(nn.Sequential(nn.Linear(4, 1)), "load")
    event = GrowthEvent(step=5, change=change(Unchanged(), reveals=(1,)))

    before = output_specs(model, (), (), data)
    _, _, effects = replay(model, (event,), probe=lambda _: PROBE)
    after = output_specs(model, (event,), effects, data)

    labels = torch.tensor([0, 1, 9])
    assert before.label_map.known(labels).tolist() == [True, False, True]
    assert after.label_map.arrival_of(labels).tolist() == [0, 1, 0]
    assert list(after.parameters) == ["0.weight", "0.bias"]


def test_columns_of_values_need_no_classes() -> None:
    model = GrowableModel(MLP(inputs=4, widths=(3,)).build(1), "load")
    data = TaskData(EMPTY, EMPTY, EMPTY, {}, outputs={"load": Output()})
    event = GrowthEvent(step=5, change=change(WidenHead(path="output", to=2)))
    _, _, effects = replay(model, (event,), probe=lambda _: PROBE)

    assert output_specs(model, (event,), effects, data).label_map.heads == ()


def test_the_name_of_a_class_is_that_of_its_label() -> None:
    assert labels_of(3) == (3,)
    assert labels_of((3, 4)) == (3, 4)
    assert output_at("output", data_of({"known": (0,)})) == "known"
