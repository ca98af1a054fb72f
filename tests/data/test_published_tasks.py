"""What every published data set promises, asked of the publisher's files where they are at hand."""

import importlib.util
import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from harness.core.errors import DataError
from harness.core.inputs import input_tensors
from harness.core.model_folder import MINILM
from harness.data import (
    CIFAR100,
    MNIST,
    AbstractTask,
    AnuranCalls,
    Banking77,
    Clinc150,
    Digits,
    EnergyEfficiency,
    FashionMNIST,
    Letters,
    Output,
    Split,
    TaskData,
    TinyShakespeare,
    load_task,
)

# Every task with all its outputs, the shape of an input, and the sizes of its parts.
TEN, LOADS = {"all": tuple(range(10))}, {"heating": Output(), "cooling": Output()}
PUBLISHED: dict[str, tuple[AbstractTask, tuple[int, ...], tuple[int, int, int]]] = {
    "digits": (Digits(classes=TEN), (64,), (907, 355, 535)),
    "mnist": (
        MNIST(classes=TEN, outputs={"parity": Output(kind="classes", columns=2)}, padding=2),
        (1, 32, 32),
        (50_004, 9_996, 10_000),
    ),
    "fashion-mnist": (
        FashionMNIST(classes=TEN, outputs={"group": Output(kind="classes", columns=5)}),
        (1, 28, 28),
        (50_000, 10_000, 10_000),
    ),
    "letter-recognition": (Letters(classes={"all": tuple(range(26))}), (16,), (12_811, 3_189, 4_000)),
    "cifar-100": (
        CIFAR100(classes={"all": tuple(range(100))}, outputs={"coarse": Output(kind="classes", columns=20)}),
        (3, 32, 32),
        (45_000, 5_000, 10_000),
    ),
    "anuran-calls": (
        AnuranCalls(
            classes={"all": (0, 1, 2, 3)},
            outputs={name: Output(kind="classes", columns=n) for name, n in (("genus", 8), ("species", 10))},
        ),
        (22,),
        (4_310, 1_303, 1_582),
    ),
    "energy-efficiency": (EnergyEfficiency(outputs=LOADS), (8,), (462, 153, 153)),
    "banking77": (Banking77(classes={"all": tuple(range(77))}), (32,), (9_038, 965, 3_080)),
    "clinc150": (
        Clinc150(classes={"all": tuple(range(150))}, outputs={"domain": Output(kind="classes", columns=10)}),
        (24,),
        (15_000, 3_000, 4_500),
    ),
    "tiny-shakespeare": (
        TinyShakespeare(outputs={"next": Output(kind="classes", columns=65)}),
        (64,),
        (15_685, 871, 871),
    ),
}
TEXTS = {"banking77", "clinc150"}  # which are read by the tokenizer that a package ships
FOLDER = Path(os.environ.get("HARNESS_DATA_DIR", "nowhere"))


def at_hand(name: str) -> bool:
    """Whether the files can be had without a publisher; CIFAR-100 may also lie as other libraries put it."""
    if name == "cifar-100":
        return any((FOLDER / below / "cifar-100-python" / "train").is_file() for below in (name, ""))
    has_tokenizer = importlib.util.find_spec(str(MINILM.package)) is not None
    return name == "digits" or ((FOLDER / name).is_dir() and (has_tokenizer or name not in TEXTS))


HELD = [name for name in PUBLISHED if at_hand(name)]


@pytest.fixture(scope="module", params=HELD)
def published(request: pytest.FixtureRequest) -> tuple[str, TaskData]:
    return request.param, load_task(PUBLISHED[request.param][0], FOLDER)


def parts(data: TaskData) -> list[Split]:
    return [data.train, data.validation, data.test]


def tensors(split: Split) -> list[Tensor]:
    return [*input_tensors(split.inputs).values(), split.labels, *split.targets.values()]


def test_every_example_is_in_a_part_of_its_own(published: tuple[str, TaskData]) -> None:
    name, data = published

    shapes = [{tuple(inputs.shape) for inputs in input_tensors(split.inputs).values()} for split in parts(data)]
    assert shapes == [{(size, *PUBLISHED[name][1])} for size in PUBLISHED[name][2]]


def test_inputs_are_32_bit_numbers_of_about_unit_size_or_tokens(published: tuple[str, TaskData]) -> None:
    _, data = published

    for inputs in (one for split in parts(data) for one in input_tensors(split.inputs).values()):
        if inputs.is_floating_point():
            assert inputs.dtype == torch.float32
            assert inputs.isfinite().all()
            assert inputs.abs().max() < 20
        else:
            assert inputs.dtype == torch.int64
            assert inputs.min() >= 0


def test_every_class_is_in_every_part(published: tuple[str, TaskData]) -> None:
    _, data = published
    known = sorted(label for column in data.classes.values() for label in column if isinstance(label, int))

    for split in parts(data):
        assert split.labels.unique().tolist() == (known or [0])


def test_no_part_shares_memory_with_another(published: tuple[str, TaskData]) -> None:
    _, data = published

    addresses = [
        tensor.data_ptr() for split in parts(data) for tensor in (*input_tensors(split.inputs).values(), split.labels)
    ]

    assert len(set(addresses)) == len(addresses)


def test_loading_again_gives_the_same_to_the_bit(published: tuple[str, TaskData]) -> None:
    name, data = published
    stream = torch.get_rng_state()

    again = PUBLISHED[name][0].load(FOLDER)

    for one, other in zip(parts(data), parts(again), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(tensors(one), tensors(other), strict=True))
    assert torch.equal(torch.get_rng_state(), stream)


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name != "digits"])
def test_without_the_files_and_a_publisher_there_is_one_clear_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path / "cache")
    for scheme in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(scheme, "http://127.0.0.1:9")

    with pytest.raises(DataError, match=r"cannot have .* put the publisher's file into a folder") as caught:
        PUBLISHED[name][0].load(tmp_path)

    assert "\n" not in str(caught.value)


def test_every_published_task_is_asked() -> None:
    mine = {leaf for leaf in AbstractTask.__subclasses__() if leaf.__module__.startswith("harness.data.")}

    of_ones_own = {leaf for leaf in mine if {"path", "data_seed"} & leaf.model_fields.keys()}
    assert mine - of_ones_own == {type(task) for task, *_ in PUBLISHED.values()}
