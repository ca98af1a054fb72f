import json
from dataclasses import asdict

import pytest
import torch

from harness.benchmarks._base import Figure
from harness.benchmarks.gpu_parts import packs, process
from harness.benchmarks.gpu_parts._base import Size

CPU = torch.device("cpu")


def test_a_part_that_fails_is_a_figure_with_its_error() -> None:
    (figure,) = process.figures_of("no_such_part", CPU, Size(), 60)

    assert figure.figure == "no_such_part: the rest"
    assert "No module named 'harness.benchmarks.gpu_parts.no_such_part'" in figure.note


def test_a_part_that_takes_too_long_is_stopped() -> None:
    (figure,) = process.figures_of("steps", CPU, Size(), 0.05)

    assert "longer than 0 s" in figure.note


def test_a_process_prints_each_figure_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(packs, "measure", lambda _device, size: iter([Figure("sizes", len(size.packs))]))

    process.main(["packs", "cpu", json.dumps(asdict(Size()))])

    assert Figure(**json.loads(capsys.readouterr().out)) == Figure("sizes", 4)
