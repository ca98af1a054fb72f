import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from harness.core.errors import DataError
from harness.data import Arrays, Normalize, Output, Parts, load_task, sha256_of

COUNT = 40


def content() -> dict[str, Any]:
    draws = np.random.default_rng(0)
    labels = np.arange(COUNT) % 2
    return {
        "inputs": draws.integers(0, 255, (COUNT, 1, 4, 4), dtype=np.uint8) + labels[:, None, None, None].astype("u1"),
        "labels": labels.astype(np.int32),
        "load": np.arange(COUNT, dtype=np.float64),
        "kind": np.arange(COUNT, dtype=np.int16) % 3,
        "subject": np.arange(COUNT) // 4,
    }


def write(folder: Path, arrays: dict[str, Any], suffix: str = ".npz") -> Path:
    path = folder / f"own{suffix}"
    np.savez(path, **arrays) if suffix == ".npz" else save_file(arrays, path)
    return path


def task(path: Path, **fields: Any) -> Arrays:
    return Arrays(**({"path": path.name, "sha256": sha256_of(path), "classes": {"known": (0, 1)}} | fields))


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_arrays_become_parts_with_targets(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path, content(), suffix)
    outputs = {"load": Output(), "kind": Output(kind="classes", columns=3)}

    data = load_task(task(path, targets=("load", "kind"), outputs=outputs), tmp_path)

    assert data.train.inputs.shape == (24, 1, 4, 4)
    assert data.train.inputs.dtype == torch.float32
    assert data.train.targets["load"].shape == (24, 1)
    assert torch.equal(data.train.targets["load"].long().squeeze(1) % 2, data.train.labels)
    assert torch.equal(data.train.targets["load"].long().squeeze(1) % 3, data.train.targets["kind"])


def test_a_group_is_never_divided(tmp_path: Path) -> None:
    arrays = content()
    path = write(tmp_path, arrays | {"inputs": arrays["subject"]})

    data = task(path, parts=Parts(group="subject")).load(tmp_path)

    held = [set(part.inputs.tolist()) for part in (data.train, data.validation, data.test)]
    assert sum(map(len, held)) == len(set.union(*held)) == 10
    assert data.groups is not None
    assert data.groups.equal(data.test.inputs.long())


def test_without_labels_every_example_is_seen_from_the_beginning(tmp_path: Path) -> None:
    path = write(tmp_path, {name: array for name, array in content().items() if name != "labels"})

    data = load_task(task(path, label=None, classes={}, outputs={"load": Output()}, targets=("load",)), tmp_path)

    assert data.test.labels.tolist() == [0] * 8


def test_the_byte_order_of_another_machine_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, content() | {"inputs": np.arange(COUNT, dtype=">f4")})

    data = task(path, parts=Parts(fractions=(0.5, 0.25, 0.25))).load(tmp_path)

    assert {float(number) for number in range(COUNT)} > set(data.train.inputs.tolist())


def changed(name: str, value: Any) -> dict[str, Any]:
    return content() | {name: value}


FAULTS = [
    (changed("inputs", np.full((COUNT, 2), np.nan)), "finite numbers in 'inputs' of .*found NaN or infinity in row 1"),
    (
        changed("labels", np.arange(7)),
        "as many rows in all arrays of .*, found 40 in 'inputs' and 7 in 'labels'",
    ),
    (changed("labels", np.float32(1)), "expected rows, one an example, in 'labels' of .*, found a single number"),
    (changed("inputs", np.zeros(COUNT, complex)), "expected real numbers in 'inputs' of .*, found torch.complex128"),
    (changed("inputs", np.float32(1)), "expected rows, one an example, in 'inputs' of .* a single number"),
    (changed("inputs", np.zeros((0, 3))), "found 0 in 'inputs' and 40 in 'labels'"),
    ({"inputs": np.zeros((0, 3)), "labels": np.zeros(0, int)}, "expected examples to divide into parts, found none"),
    (changed("labels", np.zeros(COUNT)), r"expected whole numbers \(N,\) in 'labels' of .*found torch.float64 \(40,\)"),
    (changed("labels", np.arange(COUNT) - 3), "expected numbers from 0 on in 'labels' of .*found -3 in row 1"),
    (changed("inputs", np.array(["a"] * COUNT)), "expected numbers in 'inputs' of .*, found texts; np.unique"),
    (
        changed("inputs", np.array([{}] * COUNT)),
        "numbers in 'inputs' of .*, found Python objects",
    ),
]


@pytest.mark.parametrize(("arrays", "message"), FAULTS)
def test_a_fault_of_an_array_is_one_clear_line(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        task(write(tmp_path, arrays)).load(tmp_path)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_missing_array_is_named(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(DataError, match=r"no array 'label' in .* Did you mean 'labels'?"):
        task(write(tmp_path, content(), suffix), label="label").load(tmp_path)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_file_that_is_something_else_is_one_line(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path, content(), suffix)
    whole = path.read_bytes()

    for wrong in (b"", whole[: len(whole) // 2], pickle.dumps({"inputs": 1}), b"text"):
        path.write_bytes(wrong)
        with pytest.raises(DataError, match="expected plain arrays of numbers in") as caught:
            task(path).load(tmp_path)
        assert "\n" not in str(caught.value)


def test_a_flipped_bit_in_an_archive_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path, content())
    damaged = bytearray(path.read_bytes())
    damaged[300] ^= 1
    path.write_bytes(damaged)

    with pytest.raises(DataError, match=r"expected plain arrays of numbers in .*Bad CRC-32"):
        task(path).load(tmp_path)


def test_another_format_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "own.pkl").write_bytes(b"")

    with pytest.raises(DataError, match=r"a file that ends in \.npz or \.safetensors, found .*own\.pkl"):
        task(tmp_path / "own.pkl").load(tmp_path)


def test_bytes_stay_bytes_in_memory_and_in_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, content(), ".safetensors")
    normalize = Normalize(scale=255, mean=(0.5,), std=(0.25,))
    expected = load_task(task(path), tmp_path).train

    for in_memory in (True, False):
        train = load_task(task(path, normalize=normalize, in_memory=in_memory), tmp_path).train
        assert train.source is not None
        assert train.source.read(torch.arange(3)).dtype == torch.uint8
        assert torch.equal(train.take(torch.arange(24)).inputs, normalize(expected.inputs))
        assert torch.equal(train.labels, expected.labels)


def test_only_a_file_of_tensors_is_read_in_place(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected a \.safetensors file to read batches from, found .*own\.npz"):
        task(write(tmp_path, content()), in_memory=False).load(tmp_path)


def test_fields_that_came_later_leave_digests_as_they_were(tmp_path: Path) -> None:
    assert "in_memory" not in task(write(tmp_path, content())).to_json()
