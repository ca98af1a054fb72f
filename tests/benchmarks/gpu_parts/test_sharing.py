import pytest
import torch

from harness.benchmarks.gpu_parts import sharing
from harness.benchmarks.gpu_parts._base import Size

CPU = torch.device("cpu")


def test_a_study_is_run_shared_and_alone() -> None:
    figures = {figure.figure: figure.value for figure in sharing.measure(CPU, Size(job_steps=8, trials=1))}

    assert figures["the study alone: steps trained"] == 16
    assert figures["the study shared: steps trained"] < 16
    assert figures["the study shared: runs that failed"] == 0
    assert figures["the study alone / shared (wall time)"] > 0


def test_a_run_that_failed_is_said_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_run", lambda *_, **__: (1.0, 1, ["out of memory: no room"]))

    figures = list(sharing.measure(CPU, Size()))

    assert [figure.note for figure in figures if figure.note] == ["out of memory: no room"] * 2
