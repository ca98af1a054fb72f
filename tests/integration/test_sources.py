"""Inputs that are read while a network trains: the same numbers as from memory, whoever reads them."""

import multiprocessing
import random
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from harness.core.errors import DataError
from harness.core.history import History
from harness.core.spec import with_changes
from harness.data import AbstractTask, Digits, Split, TaskData, load_task
from harness.data.normalize import Normalize
from harness.data.reading_ahead import WORKERS_VARIABLE, ReadingAhead
from harness.data.sources import AbstractSource, DatasetItems, InMemory, NpyFile
from harness.growth.rules import TriggerMonitor
from harness.staging.network import build_network, probe_for
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.snapshot import read_snapshot, write_snapshot
from harness.staging.stage_key import first_key
from harness.training.features import FeatureCache
from harness.training.loop import train_stage
from harness.training.state import fresh_state

CLASSES = {"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}
BYTES = Normalize(scale=16)


class Noisy(Dataset[Tensor]):
    """Digits with noise from whatever generator comes to hand."""

    def __init__(self, inputs: Tensor) -> None:
        self.inputs = inputs

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> Tensor:
        shift = random.random() + np.random.rand() + torch.rand(())  # noqa: NPY002  # as many data sets do
        return self.inputs[index].float() / 16 + 0.1 * shift


def source_of(way: str, inputs: Tensor, folder: Path) -> AbstractSource:
    if way == "noisy":
        return DatasetItems(Noisy(inputs))
    if way == "bytes":
        return InMemory(inputs, BYTES)
    file = folder / "inputs.npy"
    if not file.exists():
        np.save(file, inputs.numpy())
    return NpyFile(file, normalize=BYTES)


class ReadDigits(AbstractTask):
    """Digits, of which inputs are read in some way."""

    kind: Literal["read_digits"] = "read_digits"
    way: str

    def load(self, folder: Path | None) -> TaskData:
        assert folder is not None
        data = Digits(classes=self.classes).load(None)
        splits = [data.train, data.validation, data.test]
        stored = torch.cat([split.inputs * 16 for split in splits]).to(torch.uint8)
        everything = Split(source_of(self.way, stored, folder), torch.cat([split.labels for split in splits]))
        parts = map(everything.part, torch.arange(len(everything)).split([len(split) for split in splits]))
        return TaskData(*parts, classes=self.classes)  # type: ignore[misc,arg-type]


def task(way: str) -> ReadDigits:
    return ReadDigits(way=way, classes=CLASSES)


def trained(
    run: RunConfig, data: TaskData, *, pauses: tuple[int, ...] = (), cache: FeatureCache | None = None
) -> tuple[History, bytes]:
    """Train to the growth and beyond, stored and restored at `pauses`."""
    training = partial(train_stage, config=run.training, data=data, monitor=TriggerMonitor(()), features=cache)
    state, history = fresh_state(build_network(run, data), run.training.optimizer, seed=1, precision="fp32"), History()
    change = run.growths[0].change
    for step in sorted({*pauses, 10, 40}):
        training(state, step, history=history)
        if step == 10:
            state.grow(change, probe=probe_for(change, data))
            history = History()
        elif step in pauses:
            state = read_snapshot(
                write_snapshot(state),
                build_network(run, data),
                run.training.optimizer,
                probe=lambda change: probe_for(change, data),
                seed=1,
                precision="fp32",
            )
    return history, write_snapshot(state)


@pytest.fixture(autouse=True)
def _no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WORKERS_VARIABLE, raising=False)


@pytest.mark.parametrize("way", ["bytes", "file"])
def test_what_is_read_trains_as_tensors_in_memory_do(digits_run: RunConfig, tmp_path: Path, way: str) -> None:
    expected = trained(digits_run, load_task(digits_run.task, None))

    assert trained(digits_run, load_task(task(way), tmp_path)) == expected


@pytest.mark.parametrize("way", ["noisy", "file"])
def test_any_number_of_workers_reads_the_same_however_a_run_is_cut(
    digits_run: RunConfig, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load_task(task(way), tmp_path)
    expected = trained(digits_run, data)

    monkeypatch.setenv(WORKERS_VARIABLE, "1")
    assert trained(digits_run, data, pauses=(17,)) == expected
    monkeypatch.setenv(WORKERS_VARIABLE, "4")
    assert trained(digits_run, data) == expected


def test_random_examples_are_others_at_another_step_and_for_another_seed() -> None:
    source = DatasetItems(Noisy(torch.zeros(9, 2)))
    first = torch.tensor([4, 4])

    drawn = [source.read_at(first, seed, step) for seed, step in [(0, 1), (0, 1), (0, 2), (1, 1)]]

    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0][0], drawn[0][1])
    assert len({values.sum().item() for values in drawn}) == 3
    assert not torch.equal(drawn[0][0], source.read_at(torch.tensor([5]), 0, 1)[0])


def test_reading_leaves_the_global_generators_alone() -> None:
    source = DatasetItems(Noisy(torch.zeros(9, 2)))

    def states() -> str:
        return repr((random.getstate(), [*np.random.get_state()[1]], torch.get_rng_state().tolist()))  # type: ignore[index]  # noqa: NPY002

    before = states()
    source.read(torch.arange(3))

    assert states() == before


def test_features_of_a_file_are_computed_once(
    digits_run: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = with_changes(digits_run, {"growths.0.freeze": {"kind": "old_parameters"}})
    data = load_task(task("file"), tmp_path)
    expected, rows = trained(run, data), list[int]()
    read = NpyFile.read

    def counted(source: NpyFile, indices: Tensor) -> Any:
        rows.append(len(indices))
        return read(source, indices)

    monkeypatch.setattr(NpyFile, "read", counted)

    assert trained(run, data, cache=FeatureCache()) == expected
    assert max(rows[-5:]) <= 250
    assert sum(rows) < 2 * len(data.train) + 2 * len(data.validation) + 1000  # before the growth, and once after


def test_random_examples_have_no_features(digits_run: RunConfig, tmp_path: Path) -> None:
    run = with_changes(digits_run, {"growths.0.freeze": {"kind": "old_parameters"}})
    data = load_task(task("noisy"), tmp_path)

    assert trained(run, data, cache=FeatureCache()) == trained(run, data)


def test_a_run_of_what_is_read_forks_and_is_trained_again_alike(
    digits_run: RunConfig, runner: Runner, tmp_path: Path
) -> None:
    run = digits_run.model_copy(update={"task": task("noisy")})
    reading = Runner(replace(runner.workspace, data_folder=tmp_path))
    reading.check(run)
    longer = with_changes(run, {"steps": 50})

    first, second = reading.run(run), reading.run(longer)
    again = Runner(replace(runner.workspace, data_folder=tmp_path, home=tmp_path / "other").create()).run(longer)

    assert reading.steps_trained == 50
    assert first.history.latest()["val/accuracy/all"] > 0.2
    assert again.history.to_bytes() == second.history.to_bytes()


def test_changed_data_have_another_key_and_are_refused_in_the_same_study(
    digits_run: RunConfig, runner: Runner, tmp_path: Path
) -> None:
    run = digits_run.model_copy(update={"task": task("file")})
    first, same, later = (Runner(replace(runner.workspace, data_folder=tmp_path)) for _ in range(3))
    first.check_data("mine", run)
    same.check_data("mine", run)
    pixels = np.load(tmp_path / "inputs.npy")
    pixels[0, 0] += 1
    np.save(tmp_path / "inputs.npy", pixels)

    with pytest.raises(DataError, match=r"^expected the data of 'read_digits' with which the study 'mine' was begun"):
        later.check_data("mine", run)

    later.check_data("another", run)
    keys = {first_key(run, data=runner.data_digest(run)) for runner in (first, same, later)}
    assert len(keys) == 2


def test_a_daemon_has_workers_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    source, settings = DatasetItems(Noisy(torch.zeros(9, 2))), vars(multiprocessing.current_process())["_config"]
    monkeypatch.setitem(settings, "daemon", True)
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method("spawn", force=True)  # as in a process that was spawned itself
    monkeypatch.setattr(Noisy, "__reduce__", None)  # and nothing is copied

    (read,) = ReadingAhead(source, [(1, torch.arange(3))], torch.device("cpu"), workers=1)

    assert torch.equal(read, source.read_at(torch.arange(3), 0, 1))
    multiprocessing.set_start_method(before, force=True)
    assert settings["daemon"]


def test_an_example_that_cannot_be_read_ends_in_one_line(
    digits_run: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load_task(task("noisy"), tmp_path)

    def broken(_dataset: Noisy, index: int) -> Tensor:
        raise OSError(f"no such photograph: {index}")

    monkeypatch.setattr(Noisy, "__getitem__", broken)
    for workers in ("0", "1"):
        monkeypatch.setenv(WORKERS_VARIABLE, workers)
        with pytest.raises(
            DataError, match=r"^expected an example at \d+ of DatasetItems, found OSError: no such"
        ) as refused:
            trained(digits_run, data)
        assert "\n" not in str(refused.value)


class Unsteady(Noisy):
    """Noise from a generator of its own."""

    stream = np.random.default_rng(0)

    def __getitem__(self, index: int) -> Tensor:
        return self.inputs[index] + self.stream.random()


class OwnGenerator(AbstractTask):
    kind: Literal["own_generator"] = "own_generator"

    def load(self, folder: Path | None) -> TaskData:  # noqa: ARG002
        everything = Split(DatasetItems(Unsteady(torch.zeros(9, 2))), torch.zeros(9).long())
        return TaskData(everything, everything, everything, self.classes)


def test_a_generator_of_its_own_is_found_before_anything_is_trained() -> None:
    with pytest.raises(
        DataError, match="row 0 of the train data of 'own_generator' is read, found others: its code draws"
    ):
        load_task(OwnGenerator(classes={"known": (0,)}), None)
