import pytest
import torch

from harness.benchmarks.gpu_parts import steps
from harness.benchmarks.gpu_parts._base import Size
from harness.benchmarks.loop import MODELS, training_examples


def test_all_networks_are_timed_and_what_a_cpu_lacks_is_said() -> None:
    figures = list(steps.measure(torch.device("cpu"), Size(steps=2, rounds=1)))

    timed = [figure.figure.partition(":")[0] for figure in figures if figure.target]
    assert timed == list(MODELS)
    assert {figure.note for figure in figures} == {"", "there are none on cpu"}


@pytest.mark.gpu
def test_a_step_in_a_graph_learns() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    spec, shape = MODELS["MLP 64-64-64"]
    examples = training_examples(shape, 64 * 8).to(torch.device("cuda"))

    train = steps._in_graph(spec, examples, 8)

    losses = [row[0] for _ in range(20) for row in train()]

    assert losses[-1] < losses[0]
