"""The processor, its memory, and the GPUs, as torch sees them."""

import os
import shutil
from collections.abc import Iterator

import psutil
import torch

from harness.core.instruction_sets import is_pinned, processor
from harness.diagnosis.finding import Finding

__all__ = ["look_at_hardware"]

GIB = 2**30


def look_at_hardware() -> Iterator[Finding]:
    """Yield the processor and what training computes on."""
    found = processor()
    widest = [name for name in ("amx_bf16", "avx512f", "avx2", "asimd") if name in found["instruction_sets"]]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory()
    sets = f", {widest[0]}" if widest else ""
    pinned = ", held to AVX2" if is_pinned() else ""
    yield Finding("processor", f"{found['model']}: {cores} cores{sets}{pinned}")
    yield Finding("memory", f"{memory.available / GIB:.1f} of {memory.total / GIB:.1f} GiB free")
    yield _device()


def _device() -> Finding:
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        return Finding("device", f"cuda: {', '.join(names)}")
    if shutil.which("nvidia-smi"):
        reason = "has no CUDA" if torch.version.cuda is None else f"cannot use it with CUDA {torch.version.cuda}"
        says = f"cpu alone: there is a GPU, but torch {torch.__version__} {reason}"
        return Finding("device", says, "missing", "install torch for your driver's CUDA, and compare nvidia-smi")
    return Finding("device", "cpu; no GPU was found")
