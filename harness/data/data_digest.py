"""The identity of data that are read: what of them is not in a task's spec enters stage keys."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.core.digest import digest
from harness.core.inputs import input_tensors
from harness.data.sources.digests import digest_of_tensor

if TYPE_CHECKING:
    from harness.data._base import Split

__all__ = ["data_digest"]


def data_digest(splits: Mapping[str, "Split"], said: str) -> str:
    """Return a digest of inputs that are read from a source, and of the labels and targets of all splits.

    Tensors in memory are hashed; a source gives its own digest, which large ones take from samples.

    Args:
        splits: by name.
        said: the digest that whoever loaded the data gave; of tensors in memory nothing else is hashed then.
    """
    parts: list[str] = [said]
    for name, split in splits.items():
        inputs = {} if said or split.source is not None else input_tensors(split.inputs)
        parts += [name, split.source.digest if split.source is not None else ""]
        tensors = {**inputs, "labels": split.labels, **split.targets}
        parts += [f"{key} {digest_of_tensor(tensor)}" for key, tensor in tensors.items()]
    return digest(parts)
