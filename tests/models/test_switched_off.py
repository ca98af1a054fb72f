import pytest
import torch
from torch import nn

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
