import pytest
import torch

from harness.benchmarks.gpu_parts import processes
from harness.benchmarks.gpu_parts._base import Size

CPU = torch.device("cpu")
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of a fork beside threads


def test_two_processes_are_compared_with_one() -> None:
    figures = list(processes.measure(CPU, Size(process_steps=5)))

    assert [figure.figure.partition(":")[0] for figure in figures[:2]] == [
        "one process",
        "two processes on one device",
    ]
    assert figures[2].value == figures[1].value / figures[0].value


def test_a_process_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise SystemExit(3)

    monkeypatch.setattr(processes, "_train", fail)

    with pytest.raises(RuntimeError, match="ended with 3"):
        processes._steps_per_s(1, CPU, Size())
