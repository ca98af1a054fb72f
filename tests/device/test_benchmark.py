"""The loop by hand that `harness bench gpu` captures in a graph."""

import pytest
import torch

from harness.benchmarks.gpu_parts import steps
from harness.benchmarks.loop import MODELS, training_examples


@pytest.mark.gpu
@pytest.mark.parametrize("name", MODELS)
def test_a_step_in_a_graph_learns(gpu: torch.device, name: str) -> None:
    spec, shape = MODELS[name]
    train = steps._in_graph(spec, training_examples(shape, 64 * 8).to(gpu), 8)

    losses = [row[0] for _ in range(20) for row in train()]

    assert losses[-1] < losses[0]
