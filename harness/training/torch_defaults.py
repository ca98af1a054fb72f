"""Torch's defaults for the whole process, which a study file must not decide."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["torch_defaults_kept"]


@contextmanager
def torch_defaults_kept() -> Iterator[None]:
    """Put torch's defaults back at the end: type and device of new tensors, gradients, and how exact products are.

    A run's precision and device are fields of its configuration; a default that a file sets would change them for every
    run of the process, unseen by any key.
    """
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    gradients, products = torch.is_grad_enabled(), torch.get_float32_matmul_precision()
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        torch.set_grad_enabled(gradients)
        torch.set_float32_matmul_precision(products)
