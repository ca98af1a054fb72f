import pytest
import torch

from harness.diagnosis.hardware import look_at_hardware


def device() -> tuple[str, str]:
    found = {one.subject: one for one in look_at_hardware()}
    return found["device"].state, found["device"].says


def test_processor_memory_and_device_are_named() -> None:
    found = {one.subject: one.says for one in look_at_hardware()}

    assert found.keys() == {"processor", "memory", "device"}
    assert "cores" in found["processor"]
    assert found["memory"].endswith("GiB free")


def test_a_gpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"GPU {number}")

    assert device() == ("ok", "cuda: GPU 0, GPU 1")


@pytest.mark.parametrize(("cuda", "reason"), [(None, "has no CUDA"), ("13.0", "cannot use it with CUDA 13.0")])
def test_a_gpu_that_torch_cannot_use_is_said(monkeypatch: pytest.MonkeyPatch, cuda: str | None, reason: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")

    state, says = device()

    assert state == "missing"
    assert reason in says
