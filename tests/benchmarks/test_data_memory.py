from pathlib import Path

import pytest

from harness.benchmarks import data_memory
from harness.benchmarks.data_memory import KINDS, memory_of, write_data

SIZE = 4 * 10**9


def test_a_file_far_larger_than_what_may_be_held_is_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_memory, "STEPS", 10)
    monkeypatch.setattr(data_memory, "EVALUATED", 300)
    write_data(tmp_path, "memory map", SIZE)
    before = data_memory._status("VmRSS")
    mapped = data_memory._status("VmSize")

    data = KINDS["memory map"](tmp_path)
    data_memory._train(data)

    assert len(data.train) > 190_000
    assert data_memory._status("VmRSS") - before < SIZE / 10
    assert data_memory._status("VmSize") - mapped < SIZE / 2


@pytest.mark.parametrize("kind", ["safetensors", "npz", "torch data set"])
def test_tensors_are_read_as_they_were_written(tmp_path: Path, kind: str) -> None:
    write_data(tmp_path, kind, 10**7)

    data = KINDS[kind](tmp_path)

    assert len(data.train) + len(data.validation) + len(data.test) >= 203
    assert data.train.inputs.shape[1:] == (12288,)


@pytest.mark.campaign
def test_a_process_of_its_own_is_limited_and_measured(tmp_path: Path) -> None:
    write_data(tmp_path, "memory map", SIZE)

    memory = memory_of("memory map", tmp_path, limit_bytes=15 * 10**8)

    assert 0 < memory.data_bytes < 15 * 10**8 < SIZE
