"""The bytes of a safetensors file, into which tensors are copied in one pass.

The library's own `save` copies every tensor twice, while no other thread runs. The bytes are the same.
"""

from collections.abc import Mapping

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from harness.staging.snapshot_format import METADATA, SnapshotFile, header_bytes

__all__ = ["captured"]


def captured(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> memoryview:
    """Return the bytes of a file with `tensors`, on any device, and `metadata`.

    Whatever happens to the tensors later changes no byte.
    """
    # The order of tensors is the library's business: it is read from a file with one value of each.
    few = {name: torch.zeros((), dtype=tensor.dtype) for name, tensor in tensors.items()}
    header, offsets, end = {}, {}, 0
    for name, about in SnapshotFile.parse(save(few)).tensors.items():
        shape, offsets[name] = list(tensors[name].shape), [end, end + tensors[name].nbytes]
        header[name] = {"dtype": about["dtype"], "shape": shape, "data_offsets": offsets[name]}
        end = offsets[name][1]
    text = header_bytes({METADATA: dict(metadata), **header})
    content = np.empty(len(text) + end, dtype=np.uint8)
    content[: len(text)] = np.frombuffer(text, dtype=np.uint8)
    data = content[len(text) :]
    for name, (start, stop) in offsets.items():
        data[start:stop] = tensors[name].detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return content.data
