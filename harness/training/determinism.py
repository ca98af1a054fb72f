"""Settings of the process that bit-for-bit repetition needs."""

import os

import torch

__all__ = ["make_deterministic"]


def make_deterministic() -> None:
    """Use one thread and deterministic kernels. Call it once, before anything runs on a GPU.

    Sums over threads depend on the number of threads; runs of one thread each also share a machine best.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # or cuBLAS refuses deterministic mode
    os.environ.setdefault("TORCHINDUCTOR_DETERMINISTIC", "1")  # read when a model is first compiled
    torch.set_num_threads(1)
    torch.set_flush_denormal(False)  # a library that is compiled for speed may have set it when it was loaded
    # As torch.use_deterministic_algorithms, which would load the compiler at once; launchers never need it.
    torch.set_deterministic_debug_mode("error")
    torch.backends.cudnn.benchmark = False
