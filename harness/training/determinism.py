"""The same numbers every time: settings of the process that bit-for-bit repetition needs."""

import os

import torch

__all__ = ["make_deterministic"]


def make_deterministic() -> None:
    """Use one thread and deterministic kernels. To be called once, before anything runs on a GPU.

    Sums over threads depend on how many there are; runs on one thread each also share a machine best.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # or cuBLAS refuses deterministic mode
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
