"""Numerical precision: autocast and loss scaling, and what `auto` means on a device."""

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

__all__ = ["DeviceName", "Precision", "autocast", "grad_scaler", "resolve_device", "resolve_precision"]

Precision = Literal["auto", "fp32", "bf16", "fp16"]
DeviceName = Literal["auto", "cpu", "cuda"]

DTYPES: dict[str, torch.dtype] = {"bf16": torch.bfloat16, "fp16": torch.float16}


def resolve_device(name: DeviceName) -> DeviceName:
    """Return the device that `auto` means here: CUDA where there is one."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name


def resolve_precision(name: Precision, device: DeviceName) -> Precision:
    """Return the precision that `auto` means on `device`: 32 bits on a CPU, bf16 on a GPU that has it, else fp16."""
    if name != "auto":
        return name
    if device == "cpu":
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[None]:
    """Return the context for forward passes; it does nothing for fp32."""
    if precision in DTYPES:
        return torch.autocast(device.type, dtype=DTYPES[precision])
    return nullcontext()


def grad_scaler(precision: Precision, device: torch.device) -> torch.amp.GradScaler:
    """Return a loss scaler; it scales only for fp16, whose gradients would underflow."""
    return torch.amp.GradScaler(device.type, enabled=precision == "fp16")
