"""Torch's settings of a process, which a launch needs otherwise than whoever asked for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["process_settings_kept"]


@contextmanager
def process_settings_kept() -> Iterator[None]:
    """Put back at the end what `make_deterministic` changes: threads, and whether kernels must be deterministic."""
    threads, determinism = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    benchmark = torch.backends.cudnn.benchmark
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(determinism)
        torch.backends.cudnn.benchmark = benchmark
