"""Instruction sets that training is pinned to, so that different x86 processors compute the same bits.

PyTorch, MKL and oneDNN each choose kernels by what the processor has, and kernels differ in the order of their sums.
Pinned to AVX2 and FMA, an AMD processor with AVX-512 gives the bits of one without. Each library reads its variable
when it is first used, so they are set before torch is loaded; processes that are started then have them, too.
"""

import os
import sys
from pathlib import Path
from typing import Any

__all__ = ["PINS", "is_pinned", "pin", "processor", "unpin"]

PINS = {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
NEEDED = frozenset({"avx2", "fma"})
# What PyTorch, MKL and oneDNN ask for before they choose a kernel; the beginnings of names that Linux uses.
FAMILIES = ("amx_", "asimd", "avx", "f16c", "fma", "sse4", "sve")
CPUINFO = Path("/proc/cpuinfo")


def pin() -> bool:
    """Pin this process and those that it starts, and return whether they are.

    A processor without AVX2 is not pinned, nor a process that has loaded torch already; a variable that is set stays.
    """
    if "torch" not in sys.modules and set(processor()["instruction_sets"]) >= NEEDED:
        for name, value in PINS.items():
            os.environ.setdefault(name, value)
    return is_pinned()


def unpin() -> None:
    """Undo `pin` for this process and those that it starts, before torch is loaded."""
    for name, value in PINS.items():
        if os.environ.get(name) == value:
            del os.environ[name]


def is_pinned() -> bool:
    """Return whether training in this process is pinned."""
    return all(os.environ.get(name) == value for name, value in PINS.items())


def processor() -> dict[str, Any]:
    """Return maker, model and instruction sets of the processor, where the system says them."""
    try:
        lines = [line.partition(":") for line in CPUINFO.read_text().splitlines()]
    except OSError:
        lines = []
    said: dict[str, str] = {}
    for name, _, value in lines:
        said.setdefault(name.strip(), value.strip())
    flags = said.get("flags", said.get("Features", "")).split()
    return {
        "vendor": said.get("vendor_id", "unknown"),
        "model": said.get("model name", "unknown"),
        "instruction_sets": sorted({flag for flag in flags if flag.startswith(FAMILIES)}),
    }
