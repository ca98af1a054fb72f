import json

import torch

from harness.core.instruction_sets import is_pinned
from harness.training.machine import machine


def test_a_machine_is_described_by_what_decides_last_bits() -> None:
    found = machine()

    assert json.loads(json.dumps(found)) == found
    assert found["torch_capability"] == torch.backends.cpu.get_cpu_capability()
    assert (found["threads"], found["pinned"]) == (torch.get_num_threads(), is_pinned())
    assert {"processor", "blas", "mkl", "mkl_branch", "onednn", "onednn_instruction_sets", "variables"} <= set(found)
    assert "gpu" not in found
