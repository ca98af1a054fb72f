import pytest
import torch

from harness.benchmarks.gpu_parts import precision
from harness.benchmarks.gpu_parts._base import Size
from harness.models import ConvNet


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "MODEL", ConvNet(image=(1, 8, 8), channels=(2, 2), hidden=8))


def test_each_precision_is_compared_with_32_bits() -> None:
    figures = {figure.figure: figure for figure in precision.measure(torch.device("cpu"), Size(job_steps=8))}

    assert figures["fp32: steps whose loss differs the second time"].value == 0
    for name in ("bf16", "fp16"):
        assert figures[f"{name}: steps whose loss differs the second time"].value == 0
        assert figures[f"{name}: difference of the last loss from fp32's"].value < 1
        assert figures[f"{name}: steps/s through a growth"].value > 0


def test_a_precision_that_fails_leaves_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    job = precision._job

    def failing(name: str, *rest: object) -> object:
        if name == "bf16":
            raise RuntimeError("no such kernel")
        return job("fp32", *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(precision, "_job", failing)

    figures = list(precision.measure(torch.device("cpu"), Size(job_steps=4)))

    assert [figure.note for figure in figures if figure.note] == ["RuntimeError: no such kernel"]
    assert figures[-1].figure == "fp16: steps skipped"
