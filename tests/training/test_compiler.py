import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from torch.utils import flop_counter

from harness.training.compiler import MARK, OF_OPTIMIZERS, spare_compiler

SCRIPT = """
import sys, torch
from harness.training.operations import flops_of
from harness.training.optimizers import AdamW
from harness.training.update import Update

weight = torch.nn.Parameter(torch.ones(3))
optimizer = AdamW().start([weight])
optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))]})
weight.grad = torch.ones(3)
Update(optimizer)()
optimizer.zero_grad()
optimizer.load_state_dict(optimizer.state_dict())
assert flops_of(lambda: torch.ones(2, 3) @ torch.ones(3, 4)) == 48
sys.exit("torch._dynamo" in sys.modules)
"""


def test_an_optimizer_is_made_and_steps_without_the_compiler() -> None:
    assert subprocess.run([sys.executable, "-c", SCRIPT], check=False).returncode == 0


@pytest.mark.parametrize(
    "function",
    [*OF_OPTIMIZERS, flop_counter._FlopCounterMode.__torch_dispatch__],
    ids=lambda function: function.__qualname__,
)
def test_torch_marks_functions_as_is_expected(function: Callable[..., Any]) -> None:
    spare_compiler(function)

    assert hasattr(function.__wrapped__, MARK)  # type: ignore[attr-defined]
