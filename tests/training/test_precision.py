import pytest
import torch

from harness.training.precision import Precision, autocast, grad_scaler, resolve_device, resolve_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)]
)
def test_a_layer_computes_in_the_precision_asked_for(precision: Precision, dtype: torch.dtype) -> None:
    with autocast(precision, CPU):
        output = torch.nn.Linear(2, 2)(torch.ones(1, 2))

    assert output.dtype is dtype


def test_only_fp16_is_scaled() -> None:
    assert [grad_scaler(p, CPU).is_enabled() for p in ("fp32", "bf16", "fp16")] == [False, False, True]


def test_auto_means_32_bits_on_a_cpu() -> None:
    assert resolve_precision("auto", "cpu") == "fp32"
    assert resolve_precision("bf16", "cpu") == "bf16"


@pytest.mark.parametrize(("has_bf16", "expected"), [(True, "bf16"), (False, "fp16")])
def test_auto_means_what_a_gpu_prefers(has_bf16: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: has_bf16)

    assert resolve_precision("auto", "cuda") == expected


@pytest.mark.parametrize(("has_cuda", "expected"), [(True, "cuda"), (False, "cpu")])
def test_auto_is_cuda_where_there_is_one(has_cuda: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)

    assert resolve_device("auto") == expected
    assert resolve_device("cpu") == "cpu"
