from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from harness.core.errors import SnapshotError
from harness.staging.histories import SNAPSHOT_FILE
from harness.staging.snapshot_files import (
    LARGE_BYTES,
    delete_snapshot,
    read_snapshot_files,
    snapshot_sizes,
    write_snapshot_files,
)
from harness.staging.tensor_pool import TensorPool

VALUES = LARGE_BYTES // 8


def snapshot(head: float) -> bytes:
    tensors = {
        "model/0/encoder": np.arange(float(VALUES)),
        "model/1/teacher.encoder": np.arange(float(VALUES)),
        "model/1/hëad": np.full(3, head),
        "model/1/scale": np.array(head, dtype=np.float16),
    }
    return save(tensors, metadata={"harness": '{"step": 3}'})


@pytest.fixture
def pool(tmp_path: Path) -> TensorPool:
    return TensorPool(tmp_path / "tensors")


def written(folder: Path, content: bytes, pool: TensorPool) -> Path:
    folder.mkdir()
    write_snapshot_files(folder, content, pool)
    return folder


def bytes_below(folder: Path) -> int:
    return sum({path.stat().st_ino: path.stat().st_size for path in folder.rglob("*.safetensors")}.values())


def test_a_small_snapshot_is_one_file(tmp_path: Path, pool: TensorPool) -> None:
    folder = written(tmp_path / "stage", b"small", pool)

    assert [path.name for path in folder.iterdir()] == [SNAPSHOT_FILE]
    assert read_snapshot_files(folder) == b"small"


def test_equal_tensors_of_a_snapshot_and_of_others_are_stored_once(tmp_path: Path, pool: TensorPool) -> None:
    folders = [written(tmp_path / str(head), snapshot(head), pool) for head in (1, 2)]

    assert [read_snapshot_files(folder) for folder in folders] == [snapshot(1), snapshot(2)]
    assert LARGE_BYTES < bytes_below(tmp_path) < LARGE_BYTES + 10_000
    assert len(snapshot_sizes(folders[0]).keys() & snapshot_sizes(folders[1]).keys()) == 1


def test_what_others_have_stays_when_one_is_deleted(tmp_path: Path, pool: TensorPool) -> None:
    folders = [written(tmp_path / str(head), snapshot(head), pool) for head in (1, 2)]

    delete_snapshot(folders[0], pool)

    assert read_snapshot_files(folders[0]) is None
    assert read_snapshot_files(folders[1]) == snapshot(2)
    delete_snapshot(folders[1], pool)
    assert bytes_below(tmp_path) == 0


@pytest.mark.parametrize("damage", ["missing", "empty", "elsewhere"])
def test_files_that_are_not_all_there_are_found(tmp_path: Path, pool: TensorPool, damage: str) -> None:
    folder = written(tmp_path / "stage", snapshot(1), pool)
    (tensor,) = (folder / "tensors").iterdir()
    rest = folder / "state.rest.safetensors"
    if damage == "missing":
        tensor.unlink()
    elif damage == "empty":
        tensor.write_bytes(b"")
    else:
        rest.write_bytes(rest.read_bytes().replace(tensor.name.encode(), b"x" * len(tensor.name)))

    with pytest.raises(SnapshotError, match=r"cannot be read|expected a snapshot"):
        read_snapshot_files(folder)
