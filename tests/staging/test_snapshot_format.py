from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from harness.core.errors import SnapshotError
from harness.staging.snapshot_format import SnapshotFile


def test_the_tensors_of_the_network_are_kept_to_the_bit_whatever_their_type() -> None:
    tensors: dict[str, np.ndarray[Any, Any]] = {
        "model/0/w": np.arange(12, dtype=np.float32).reshape(3, 4),
        "model/1/half": np.array([1.5, -0.0], dtype=np.float16),
        "model/0/count": np.array(3),
        "optimizer/0/w/exp_avg": np.ones((3, 4)),
    }

    found = load(SnapshotFile.parse(save(tensors, metadata={"harness": "{}"})).weights())

    assert set(found) == {"0/w", "1/half", "0/count"}
    assert all(found[name].tobytes() == tensors[f"model/{name}"].tobytes() for name in found)
    assert all(found[name].shape == tensors[f"model/{name}"].shape for name in found)


@pytest.mark.parametrize(
    "content", [b"", b"12345678not json", b"\x02" + b"\0" * 7 + b"17", b"\x0e" + b"\0" * 7 + b'{"model/x": 3}']
)
def test_something_else_is_refused(content: bytes) -> None:
    with pytest.raises(SnapshotError, match="expected a snapshot"):
        SnapshotFile.parse(content)
