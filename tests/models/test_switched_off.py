import copy

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.models.switched_off import SwitchedOff, switch_branch


def test_a_branch_that_is_off_gives_a_zero_of_the_inputs_type() -> None:
    off, inputs = SwitchedOff(nn.Linear(3, 7)), torch.randn(5, 3, dtype=torch.bfloat16)

    assert torch.equal(inputs + off(inputs), inputs)
    assert off(x=inputs).dtype == torch.bfloat16


def test_a_sum_is_all_that_a_branch_that_is_off_fits_to() -> None:
    off, inputs = SwitchedOff(nn.Linear(3, 7)), torch.randn(5, 3)

    with pytest.raises(RuntimeError, match="zero-dimensional"):
        torch.cat([inputs, off(inputs)])


def test_hooks_of_a_branch_hear_nothing_while_it_is_off() -> None:
    model, heard = nn.Sequential(nn.Linear(3, 3)), []
    model[0].register_forward_hook(lambda _module, _inputs, output: heard.append(output.shape))

    for on in (False, True):
        switch_branch(model, "0", on=on)
        model(torch.randn(5, 3))

    assert heard == [(5, 3)]


def test_a_branch_of_two_names_is_off_under_both() -> None:
    layer = nn.Linear(3, 3)
    model, inputs = nn.ModuleDict({"first": layer, "second": layer}), torch.randn(5, 3)

    switch_branch(model, "first", on=False)

    assert not model["second"](inputs).any()
    assert model["first"] is model["second"]


def test_a_branch_is_not_switched_off_twice() -> None:
    model = nn.Sequential(nn.Linear(3, 3))
    switch_branch(model, "0", on=False)

    with pytest.raises(ModulePathError, match=r"expected a branch that is not off, found '0'; .* off: \['0'\]"):
        switch_branch(model, "0", on=False)


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention, self.rnn, self.fc = (
            nn.MultiheadAttention(8, 2, batch_first=True),
            nn.LSTM(8, 8),
            nn.Linear(8, 3),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        attended, _ = self.attention(inputs, inputs, inputs)
        states, (_, _) = self.rnn(inputs)
        result: Tensor = self.fc(torch.cat([inputs + attended + states]))[:, 0]
        return result


@pytest.mark.parametrize("inputs", [None, torch.randn(3, 4, 8)], ids=["by type", "by what it returns"])
@pytest.mark.parametrize("path", ["attention", "rnn"])
def test_a_branch_whose_output_is_unpacked_can_be_off(path: str, inputs: Tensor | None) -> None:
    model, sequences = Attending(), torch.randn(3, 4, 8)
    switch_branch(model, path, on=False, inputs=inputs)
    off = copy.deepcopy(model)(sequences)

    switch_branch(model, path, on=True, inputs=inputs)

    assert off.shape == (3, 3)
    assert not torch.equal(model(sequences), off)


@pytest.mark.parametrize(("path", "why"), [("fc", "too many indices|cannot run"), ("0", "returns something else")])
def test_a_branch_that_the_network_needs_stays_on(path: str, why: str) -> None:
    model = nn.Sequential(nn.Linear(8, 8)) if path == "0" else Attending()
    module = model.get_submodule(path)

    with pytest.raises(ModulePathError, match=rf"a term of a sum at '{path}', found that the network .*{why}"):
        switch_branch(model, path, on=False, inputs=torch.randn(3, 4, 8))

    assert model.get_submodule(path) is module
