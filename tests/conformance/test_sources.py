"""What every source of inputs promises, also one of a user's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from safetensors.numpy import save_file
from torch import Tensor
from torch.utils.data import TensorDataset

from harness import data
from harness.core.errors import DataError
from harness.core.inputs import Inputs, input_tensors
from harness.data import Split, sources
from harness.data.normalize import Normalize
from harness.data.reading_ahead import ReadingAhead
from harness.data.sources import (
    NO_STEP,
    AbstractItems,
    AbstractSource,
    ArrowFile,
    DatasetItems,
    HuggingFaceRows,
    ImageFolder,
    InMemory,
    NpyFile,
    Padded,
    RawFile,
    SafetensorsFile,
    TokenFile,
)
from harness.data.sources.check_source import check_source

COUNT, CPU = 12, torch.device("cpu")
Make = Callable[[Path, np.ndarray], AbstractSource]


def npy(folder: Path, pixels: np.ndarray) -> AbstractSource:
    np.save(folder / "a.npy", pixels)
    return NpyFile(folder / "a.npy")


def foreign_byte_order(folder: Path, pixels: np.ndarray) -> AbstractSource:
    np.save(folder / "b.npy", pixels.astype(">i4"))
    return NpyFile(folder / "b.npy")


def raw(folder: Path, pixels: np.ndarray) -> AbstractSource:
    (folder / "a.bin").write_bytes(b"head" + pixels.tobytes())
    return RawFile(folder / "a.bin", "uint8", (3, 4, 4), offset=4)


def safetensors(folder: Path, pixels: np.ndarray) -> AbstractSource:
    save_file({"before": np.zeros(3), "pixels": pixels}, folder / "a.safetensors")
    return SafetensorsFile(folder / "a.safetensors", "pixels")


def tokens(folder: Path, pixels: np.ndarray) -> AbstractSource:
    pixels.astype(np.uint16).tofile(folder / "tokens.bin")
    return TokenFile(folder / "tokens.bin", 48, name="input_ids")


def overlapping_tokens(folder: Path, pixels: np.ndarray) -> AbstractSource:
    pixels.reshape(-1)[: 11 * 2 + 6].tofile(folder / "text.txt")
    return TokenFile(folder / "text.txt", 6, dtype="uint8", stride=2)


def folder_of_images(folder: Path, pixels: np.ndarray) -> AbstractSource:
    for number, image in enumerate(pixels):
        (folder / "images" / f"{number // 6}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.transpose(1, 2, 0)).save(folder / "images" / f"{number // 6}" / f"{number:02}.png")
    return ImageFolder(folder / "images")


def parquet(folder: Path, pixels: np.ndarray) -> AbstractSource:
    table = pa.table({"pixels": pixels.reshape(COUNT, -1).tolist(), "label": list(range(COUNT))})
    pq.write_table(table, folder / "a.parquet", row_group_size=5)
    return ArrowFile(folder / "a.parquet", "pixels")


def arrow(folder: Path, pixels: np.ndarray) -> AbstractSource:
    table = pa.table({"ids": [row[: 1 + number].tolist() for number, row in enumerate(pixels.reshape(COUNT, -1))]})
    with pa.ipc.new_file(str(folder / "a.arrow"), table.schema) as writer:
        writer.write_table(table, max_chunksize=5)
    return ArrowFile(folder / "a.arrow", ("ids",), collate=Padded(length=20))


def hugging_face(_folder: Path, pixels: np.ndarray) -> AbstractSource:
    datasets = pytest.importorskip("datasets")
    rows = {"ids": pixels.reshape(COUNT, -1).tolist(), "label": list(range(COUNT))}
    return HuggingFaceRows(datasets.Dataset.from_dict(rows), ("ids",))


def dataset(_folder: Path, pixels: np.ndarray) -> AbstractSource:
    return DatasetItems(TensorDataset(torch.from_numpy(pixels)))


def in_memory(_folder: Path, pixels: np.ndarray) -> AbstractSource:
    return InMemory(torch.from_numpy(pixels), Normalize(scale=255, mean=(0.1, 0.2, 0.3)))


class Squares(AbstractSource):
    """A source of a user's own, the shortest that there is."""

    def __init__(self, pixels: np.ndarray) -> None:
        self._first = int(pixels[0, 0, 0, 0])

    def __len__(self) -> int:
        return COUNT

    def read(self, indices: Tensor) -> Inputs:
        return (indices + self._first).float()[:, None] ** 2

    @property
    def digest(self) -> str:
        return f"squares {self._first}"


def own(_folder: Path, pixels: np.ndarray) -> AbstractSource:
    return Squares(pixels)


MAKERS: list[Make] = [npy, foreign_byte_order, raw, safetensors, tokens, overlapping_tokens, folder_of_images]
MAKERS += [parquet, arrow, hugging_face, dataset, in_memory, own]
OF_PIXELS: list[Make] = [npy, foreign_byte_order, raw, safetensors, folder_of_images, parquet, hugging_face, dataset]
PIXELS = np.random.default_rng(0).integers(0, 256, (COUNT, 3, 4, 4), dtype=np.uint8)


@pytest.fixture(scope="module", params=MAKERS, ids=lambda make: make.__name__)
def make(request: pytest.FixtureRequest) -> Make:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sources")


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))


@pytest.fixture(scope="module")
def source(make: Make, folder: Path) -> AbstractSource:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        return make(folder, PIXELS)


def same(one: Inputs, other: Inputs) -> bool:
    left, right = input_tensors(one), input_tensors(other)
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_every_source_of_the_package_is_tested_here(folder: Path) -> None:
    kinds = {getattr(sources, name) for name in sources.__all__}
    leaves = {kind for kind in kinds if isinstance(kind, type) and issubclass(kind, AbstractSource)}

    assert leaves - {AbstractSource, AbstractItems} == {type(make(folder, PIXELS)) for make in MAKERS} - {Squares}


def test_examples_come_in_the_order_asked_for_as_often_as_asked_for(source: AbstractSource) -> None:
    asked = torch.tensor([7, 0, 11, 7, 3])

    read = source.batch(asked, CPU)

    one_by_one = [input_tensors(source.batch(index[None], CPU)) for index in asked]
    assert same(read, {name: torch.cat([one[name] for one in one_by_one]) for name in one_by_one[0]}) or same(
        read, torch.cat([one["inputs"] for one in one_by_one])
    )
    assert len(source) == COUNT


@pytest.mark.parametrize("make", OF_PIXELS, indirect=True, ids=lambda make: make.__name__)
def test_stored_pixels_are_read_in_their_type(source: AbstractSource) -> None:
    asked = torch.tensor([5, 2, 9])

    (read,) = input_tensors(source.read(asked)).values()

    assert torch.equal(read.reshape(3, -1).long(), torch.from_numpy(PIXELS)[asked].reshape(3, -1).long())
    assert not read.is_floating_point()


def test_a_part_reads_those_of_the_whole_and_so_does_its_part(source: AbstractSource) -> None:
    part = source.part(torch.tensor([8, 1, 5, 5])).part(torch.tensor([3, 0]))

    assert len(part) == 2
    assert same(part.batch(torch.tensor([1, 0]), CPU), source.batch(torch.tensor([8, 5]), CPU))
    assert same(part.to(CPU).read(torch.tensor([0])), source.read(torch.tensor([5])))


def test_chunks_batches_and_the_whole_agree(source: AbstractSource) -> None:
    split = Split(source, torch.arange(COUNT), {"half": torch.arange(COUNT)[:, None] / 2})

    chunks = list(split.chunks(5))

    assert [len(chunk) for chunk in chunks] == [5, 5, 2]
    assert same(chunks[1].inputs, split.take(torch.arange(5, 10)).inputs)
    assert chunks[1].targets["half"].tolist() == (torch.arange(5, 10)[:, None] / 2).tolist()
    assert same(source.whole(), split.take(torch.arange(COUNT)).inputs)


def test_a_worker_reads_the_same(source: AbstractSource) -> None:
    asked = [(step, torch.arange(step, step + 3)) for step in range(3)]

    ahead = list(ReadingAhead(source, asked, CPU, seed=3, workers=1))

    assert all(
        same(read, source.batch(indices, CPU, seed=3, step=step))
        for read, (step, indices) in zip(ahead, asked, strict=True)
    )


def test_a_source_is_what_it_promises_and_draws_nothing(source: AbstractSource) -> None:
    before = torch.get_rng_state()

    check_source(source, "the train data")

    assert torch.equal(torch.get_rng_state(), before)
    assert same(source.read_at(torch.arange(3), 1, NO_STEP), source.read_at(torch.arange(3), 1, NO_STEP))


def test_other_data_have_another_digest(make: Make, tmp_path: Path) -> None:
    changed = PIXELS.copy()
    changed[0, 0, 0, 0] ^= 1
    folders = [tmp_path / name for name in ("one", "same", "other")]
    for one in folders:
        one.mkdir()

    digests = [make(*given).digest for given in zip(folders, (PIXELS, PIXELS, changed), strict=True)]

    assert digests[0] == digests[1] != digests[2]
    part = make(folders[0], PIXELS).part(torch.tensor([2, 1]))
    assert part.digest != make(folders[0], PIXELS).part(torch.tensor([1, 2])).digest


def cut_short(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-5])
    return path


def test_files_that_are_cut_short_or_others_are_refused_in_a_line(tmp_path: Path) -> None:
    for build in (npy, safetensors, raw, parquet, tokens):
        build(tmp_path, PIXELS)
    (tmp_path / "object.npy").write_bytes(b"no array")
    np.save(tmp_path / "columns.npy", np.asfortranarray(PIXELS[:, 0, 0]))
    refused: dict[str, Callable[[], Any]] = {
        "which take .* the file is cut short": lambda: SafetensorsFile(cut_short(tmp_path / "a.safetensors"), "pixels"),
        r"a\.npy, which take .* the file is cut short": lambda: NpyFile(cut_short(tmp_path / "a.npy")),
        "no multiple of that": lambda: RawFile(cut_short(tmp_path / "a.bin"), "uint8", (3, 4, 4)),
        "numpy.save writes it, found none": lambda: NpyFile(tmp_path / "object.npy"),
        "found columns": lambda: NpyFile(tmp_path / "columns.npy"),
        "no tensor 'pixel'": lambda: SafetensorsFile(tmp_path / "a.safetensors", "pixel"),
        "a window of 1,000": lambda: TokenFile(tmp_path / "tokens.bin", 1000),
        "expected images in": lambda: ImageFolder(tmp_path / "nothing"),
        "no column 'pixel'": lambda: ArrowFile(tmp_path / "a.parquet", "pixel"),
        "expected an Arrow or Parquet file at": lambda: ArrowFile(tmp_path / "object.npy", "pixels"),
        "with __len__ and __getitem__": lambda: DatasetItems(iter(())),  # type: ignore[arg-type]
    }
    for message, build_it in refused.items():
        with pytest.raises(DataError, match=message) as error:
            build_it()
        assert "\n" not in str(error.value)


def test_labels_are_read_where_inputs_are(folder: Path) -> None:
    assert ArrowFile(folder / "a.parquet", "pixels").labels().tolist() == list(range(COUNT))
    images = ImageFolder(folder / "images", size=(2, 2), mode="L")
    assert (images.labels().tolist(), images.classes) == ([0] * 6 + [1] * 6, ("0", "1"))
    assert images.read(torch.tensor([0])).shape == (1, 1, 2, 2)
    assert DatasetItems(TensorDataset(torch.zeros(3), torch.tensor([2, 0, 1]))).labels().tolist() == [2, 0, 1]


def test_sequences_are_padded_to_the_longest_or_to_a_length() -> None:
    rows = [{"ids": [1, 2, 3]}, {"ids": [4]}]

    read = Padded(values={"ids": 9})(rows)

    assert read["ids"].tolist() == [[1, 2, 3], [4, 9, 9]]
    assert read["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert Padded(length=2, mask=None)(rows)["ids"].tolist() == [[1, 2], [4, 0]]
    assert (Padded().is_fixed, Padded(length=2).is_fixed) == (False, True)
    with pytest.raises(DataError, match=r"one shape in all examples of a batch, found \(3,\) and \(1,\); give collate"):
        DatasetItems([torch.zeros(3), torch.zeros(1)]).read(torch.arange(2))  # type: ignore[arg-type]


PAGE, LABELS = Path(__file__).parents[2] / "reports" / "docs" / "pages" / "data.md", torch.arange(16) % 2


def test_every_block_of_the_page_gives_a_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 3, 8, 8), dtype=np.uint8)
    monkeypatch.chdir(tmp_path)
    np.save("photos.npy", pixels)
    np.save("labels.npy", np.arange(16) % 2)
    save_file({"pixels": pixels}, "photos.safetensors")
    pixels.tofile("photos.bin")
    pq.write_table(pa.table({"pixels": pixels.reshape(16, -1).tolist(), "label": [0, 1] * 8}), "table.parquet")
    Path("text.txt").write_bytes(pixels.tobytes())
    folder_of_images(tmp_path, PIXELS)
    names = vars(sources) | {"torch": torch, "np": np, "Split": Split, "Normalize": Normalize}
    names |= {"datasets": pytest.importorskip("datasets"), "my_dataset": TensorDataset(torch.zeros(16), LABELS)}
    task, *blocks = PAGE.read_text().split("```python\n")[1:]

    exec(task.partition("```")[0], vars(data) | names | {"Literal": Literal, "Path": Path})
    for block in blocks:
        given = dict(names)
        exec(block.partition("```")[0], given)
        split = given["split"]
        assert len(next(split.chunks(4))) == 4, block

    assert len(blocks) == 8
