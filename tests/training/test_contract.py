import pytest
import torch
from torch import Tensor

from harness.core.errors import ContractError
from harness.core.history import History
from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.losses import Batch
from harness.training.contract import Contract
from harness.training.state import TrainState

BATCH = Batch(
    {"known": torch.zeros(2, 3)}, torch.zeros(2, 1), torch.zeros(2), OutputSpecs(LabelMap.of({"known": range(3)}))
)


def learning(*names: str) -> dict[str, Tensor]:
    return {name: torch.zeros((), requires_grad=True) for name in names}


def test_the_same_components_at_every_step_are_fine(state: TrainState) -> None:
    contract = Contract(History())

    for step in range(3):
        state.step = step
        contract.check(learning("a", "b"), BATCH, state)


@pytest.mark.parametrize(("later", "message"), [(("a",), "'b' vanished"), (("a", "b", "c"), "'c' appeared")])
def test_a_component_that_comes_or_goes_is_named_with_its_step(
    state: TrainState, later: tuple[str, ...], message: str
) -> None:
    contract = Contract(History())
    contract.check(learning("a", "b"), BATCH, state)
    state.step = 6

    with pytest.raises(ContractError, match=f"{message} at step 7"):
        contract.check(learning(*later), BATCH, state)


def test_what_was_recorded_in_the_stage_is_expected_to_go_on(state: TrainState) -> None:
    history = History()
    history.record(4, {"train/loss/old": 1.0, "train/loss/total": 1.0})
    history.record(6, {"train/loss/a": 1.0, "train/loss/b": 1.0, "train/loss/total": 2.0})

    Contract(history, start=5).check(learning("a", "b"), BATCH, state)

    with pytest.raises(ContractError, match="'b' vanished"):
        Contract(history, start=5).check(learning("a"), BATCH, state)


def test_a_component_without_gradient_is_named_unless_something_is_frozen(state: TrainState) -> None:
    components = learning("a") | {"b": torch.zeros(())}

    with pytest.raises(ContractError, match="expected a gradient for the loss component 'b' at step 1, found none"):
        Contract(History()).check(components, BATCH, state)
    state.frozen = frozenset({"0/backbone.output.bias"})
    Contract(History()).check(components, BATCH, state)


def test_a_head_of_another_size_than_its_classes_is_named(state: TrainState) -> None:
    specs = OutputSpecs(LabelMap.of({"known": range(4)}, hidden=(3,)))
    batch = Batch(BATCH.outputs, BATCH.inputs, BATCH.labels, specs)

    with pytest.raises(ContractError, match=r"expected 4 columns of the head 'known' at step 1, .* found \(2, 3\)"):
        Contract(History()).check(learning("a"), batch, state)
