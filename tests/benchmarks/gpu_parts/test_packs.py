import pytest
import torch

from harness.benchmarks.gpu_parts import packs
from harness.benchmarks.gpu_parts._base import Size
from harness.training.loop import StageLoop

SIZE = Size(packs=(1, 4), pack_steps=3)


def test_runs_one_by_one_are_compared_with_packs() -> None:
    figures = list(packs.measure(torch.device("cpu"), SIZE))

    assert [figure.figure for figure in figures] == [
        "1 runs one by one: steps/s of all",
        "4 runs one by one: steps/s of all",
        "4 runs in packs: steps/s of all",
        "4 runs: one by one / in packs (wall time)",
    ]
    assert all(figure.value > 0 for figure in figures)


def test_where_nothing_is_packed_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StageLoop, "signature", None)

    figures = list(packs.measure(torch.device("cpu"), SIZE))

    assert [figure.note for figure in figures if figure.note] == ["not packed: runs on cpu are trained one by one"]
