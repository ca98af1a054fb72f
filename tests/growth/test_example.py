from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from harness.growth import Probe
from harness.growth.example import Example

CPU = torch.device("cpu")


def again(inputs: Any, targets: Tensor | None = None) -> Probe:
    example = Example.of(Probe(inputs, targets))
    assert example is not None
    probe = example.probe(CPU)
    assert probe is not None
    return probe


def test_numbers_with_a_fraction_are_drawn_anew_and_others_kept() -> None:
    tokens, mask = torch.tensor([[5, 7]]), torch.tensor([[True, False]])

    probe = again({"tokens": tokens, "mask": mask, "pixels": -torch.ones(2, 3, dtype=torch.float16), "scale": 2.0})

    assert torch.equal(probe.inputs["tokens"], tokens)
    assert torch.equal(probe.inputs["mask"], mask)
    assert probe.inputs["pixels"].shape == (2, 3)
    assert probe.inputs["pixels"].dtype == torch.float16
    assert (probe.inputs["pixels"] > 0).all()
    assert probe.inputs["scale"] == 2.0


def test_lists_and_tuples_stay_what_they_are_and_targets_come_along() -> None:
    probe = again((torch.ones(2, 3), [torch.ones(1)]), torch.tensor([0, -1]))

    assert isinstance(probe.inputs, tuple)
    assert isinstance(probe.inputs[1], list)
    assert probe.targets is not None
    assert probe.targets.tolist() == [0, -1]


def test_what_it_holds_is_not_the_probe_s() -> None:
    tokens = torch.tensor([[5, 7]])
    example = Example.of(Probe(tokens))
    tokens.zero_()

    assert example is not None
    assert example.inputs.tolist() == [[5, 7]]


def test_a_batch_of_a_class_of_one_s_own_gives_no_probe() -> None:
    example = Example.of(Probe(SimpleNamespace(pixels=torch.ones(1))))

    assert example == Example(None)
    assert example.probe(CPU) is None
    assert Example.of(None) is None
