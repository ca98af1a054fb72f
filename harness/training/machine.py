"""What a machine trains with: everything beside code and configuration that decides the last bits of a run."""

import ctypes
import os
import re
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch

from harness.core.instruction_sets import PINS, is_pinned, processor

__all__ = ["machine"]

MKL = r"Math Kernel Library Version (\S+?)-Product"
ONEDNN = r"MKL-DNN v(\S+)"
UNKNOWN = "unknown"


def machine(device: str = "cpu") -> dict[str, Any]:
    """Return processor, libraries, what they dispatch to, and threads; with a GPU also what computes there."""
    found = {**_libraries(), "threads": torch.get_num_threads()}
    return found | ({"gpu": _gpu()} if device == "cuda" else {})


@cache
def _libraries() -> dict[str, Any]:
    built = torch.__config__.show()
    return {
        "processor": processor(),
        "torch": str(torch.__version__),
        "torch_capability": torch.backends.cpu.get_cpu_capability(),
        "blas": _found(r"BLAS_INFO=(\w+)", built),
        "mkl": _found(MKL, built),
        "mkl_branch": _mkl_branch(),
        "onednn": _found(ONEDNN, built),
        "onednn_instruction_sets": os.environ.get("ONEDNN_MAX_CPU_ISA", "all"),
        "pinned": is_pinned(),
        "variables": {name: os.environ[name] for name in PINS if name in os.environ},
    }


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else UNKNOWN


def _mkl_branch() -> int | str:
    """Return the number of the code path that MKL takes for the sake of equal results: 1 for whatever is fastest."""
    library = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    with suppress(OSError, AttributeError):
        return int(ctypes.CDLL(str(library)).mkl_serv_cbwr_get(-1))
    return UNKNOWN


def _gpu() -> dict[str, Any]:
    return {
        "name": torch.cuda.get_device_name(),
        "capability": list(torch.cuda.get_device_capability()),
        "cuda": torch.version.cuda or UNKNOWN,
        "cudnn": torch.backends.cudnn.version() or UNKNOWN,
    }
