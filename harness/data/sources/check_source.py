"""Whether a source gives what it promises, as far as a few examples show."""

import torch
from torch import Tensor

from harness.core.errors import DataError
from harness.core.inputs import Inputs, input_tensors
from harness.data.sources._base import NO_STEP, AbstractSource

__all__ = ["check_source"]


def check_source(source: AbstractSource, where: str) -> None:
    """Read the first example and the last one, twice.

    Args:
        source: of inputs.
        where: the data that it belongs to, in words.

    Raises:
        DataError: one cannot be read, is no tensor, is not finite, or is another one the second time.
    """
    if not len(source):
        return
    ends = torch.tensor([0, len(source) - 1]).unique()
    for index in ends:
        read, again = (_named(source.read_at(index[None], 0, NO_STEP), where) for _ in range(2))
        for name, tensor in read.items():
            if len(tensor) != 1:
                raise DataError(
                    f"expected {name!r} with a row an example in {where}, found {list(tensor.shape)} for one"
                )
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise DataError(f"expected finite {name!r} in {where}, found NaN or infinity in row {int(index)}")
            if not torch.equal(tensor, again[name]):
                raise DataError(
                    f"expected the same {name!r} whenever row {int(index)} of {where} is read, found others: its code "
                    "draws from a generator of its own; let it draw from the global one of torch, numpy or Python, and "
                    "say draws=True"
                )


def _named(inputs: Inputs, where: str) -> dict[str, Tensor]:
    named = input_tensors(inputs)
    for name, tensor in named.items():
        if not isinstance(tensor, Tensor):
            raise DataError(f"expected tensors as inputs in {where}, found {type(tensor).__name__} as {name!r}")
    return named
