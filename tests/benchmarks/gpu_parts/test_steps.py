import torch

from harness.benchmarks.gpu_parts import steps
from harness.benchmarks.gpu_parts._base import Size
from harness.benchmarks.loop import MODELS


def test_all_networks_are_timed_and_what_a_cpu_lacks_is_said() -> None:
    figures = list(steps.measure(torch.device("cpu"), Size(steps=2, rounds=1)))

    timed = [figure.figure.partition(":")[0] for figure in figures if figure.target]
    assert timed == list(MODELS)
    assert {figure.note for figure in figures} == {"", "there are none on cpu"}
