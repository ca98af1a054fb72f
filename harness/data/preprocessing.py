"""What becomes of raw examples before a network reads them, and of its outputs afterwards.

An exported network has a copy of this file beside it, so that its model card's lines need nothing else: it imports the
standard library alone. Numbers and their order of computation are those of training, to the bit.
"""

import csv
import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

__all__ = [
    "FILE",
    "Prediction",
    "Preprocessing",
    "RawArray",
    "RawCharacters",
    "RawColumn",
    "RawInputs",
    "RawRows",
    "RawTexts",
    "load_preprocessing",
]

FILE = "preprocessing.json"
EMPTY = ("None", "nan", "<NA>")  # what stands for an empty field in a data frame, written out


@dataclass(frozen=True)
class RawColumn:
    """A column of numbers, `(x - mean) / std`, or of categories, each of which is 1 where a field has it, else 0.

    Attributes:
        name: in the table.
        mean: of the training part, or 0.
        std: of the training part, or 1.
        categories: in the order of the inputs; none of a column of numbers.
        fill: what stands for an empty field; None if there may be none.
    """

    name: str
    mean: float = 0.0
    std: float = 1.0
    categories: Sequence[str] = ()
    fill: float | str | None = None


@dataclass(frozen=True)
class RawRows:
    """Rows of a table: inputs `[D]` are its columns in this order.

    Attributes:
        columns: that are read.
        delimiter: between the fields of a CSV file.
        decimal: what stands before fractions in texts.
        missing: texts with which a field is empty as well, if something stands for it.
        single: whether numbers are computed in 32 bits.
    """

    kind: ClassVar[str] = "rows"
    columns: Sequence[RawColumn]
    delimiter: str = ","
    decimal: str = "."
    missing: Sequence[str] = ()
    single: bool = False

    def read(self, path: str | Path) -> list[dict[str, str]]:
        """Return the rows of a CSV file with a header; empty ones, as spreadsheets leave, are passed over."""
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter=self.delimiter))
        return [row for row in rows if any(str(value or "").strip() for value in row.values())]

    def inputs(self, raw: Any, library: Any) -> Any:
        """Return inputs `[N, D]` of rows: values by column, of one row, several, or a data frame of pandas."""
        rows = raw.to_dict("records") if hasattr(raw, "to_dict") else [raw] if isinstance(raw, Mapping) else raw
        values = [self._row(row, number) for number, row in enumerate(rows, start=1)]
        width = sum(len(column.categories) or 1 for column in self.columns)
        return library.asarray(values, dtype=library.float32).reshape(len(values), width)

    def _row(self, row: Mapping[str, object], number: int) -> list[float]:
        known = {name.strip(): value for name, value in row.items() if isinstance(name, str)} | dict(row)
        values: list[float] = []
        for column in self.columns:
            if column.name not in known:
                raise ValueError(f"expected a column {column.name!r}, found {', '.join(map(str, row)):.300}")
            try:
                values += self._field(column, known[column.name])
            except ValueError as error:
                raise ValueError(f"expected {error} in column {column.name!r}, row {number}") from None
        return values

    def _field(self, column: RawColumn, value: Any) -> list[float]:
        is_empty = not isinstance(value, str) and str(value) in EMPTY
        text: Any = "" if is_empty else str(value).strip()
        if column.fill is not None and text in ("", *self.missing):
            text = value = column.fill
        if column.categories:
            if text not in column.categories:
                raise ValueError(f"one of {', '.join(column.categories)}, found {text!r}")
            return [float(text == category) for category in column.categories]
        number = self._number(value)
        if self.single:
            return [_single(_single(number - column.mean) / column.std)]
        return [(number - column.mean) / column.std]

    def _number(self, value: Any) -> float:
        text = value
        if isinstance(value, str) and self.decimal != ".":
            text = value.replace(".", " ").replace(self.decimal, ".")
        try:
            number = math.nan if "_" in str(text) else float(text)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"a number, found {value!r}")
        return number


@dataclass(frozen=True)
class RawArray:
    """Numbers such as pixels, `(x / scale - mean) / std` in 32 bits.

    Attributes:
        stored: the shape of a raw example.
        dtype: of a raw example, such as `uint8`.
        shape: of an input, `[C, H, W]` of images.
        padding: zeros on each side of the last two dimensions, before anything else.
        scale: by which raw numbers are divided.
        mean: of each channel, or of all, after that.
        std: of each channel, or of all, after that.
    """

    kind: ClassVar[str] = "array"
    stored: Sequence[int]
    dtype: str
    shape: Sequence[int]
    padding: int = 0
    scale: float = 1.0
    mean: Sequence[float] = (0.0,)
    std: Sequence[float] = (1.0,)

    def inputs(self, raw: Any, library: Any) -> Any:
        """Return inputs `[N, *shape]` of raw examples `[N, *stored]`."""
        given = library.asarray(raw)
        if list(given.shape[1:]) != list(self.stored):
            raise ValueError(f"expected examples of the shape {list(self.stored)}, found {list(given.shape[1:])}")
        made = library.zeros((len(given), *self.shape), dtype=library.float32)
        if inner := self.padding:
            unpadded = [side - 2 * inner for side in self.shape[-2:]]
            made[..., inner:-inner, inner:-inner] = given.reshape(len(given), *self.shape[:-2], *unpadded)
        else:
            made[...] = given.reshape(made.shape)
        made /= self.scale
        made -= _per_channel(self.mean, made, library)
        made /= _per_channel(self.std, made, library)
        return made


@dataclass(frozen=True)
class RawTexts:
    """Texts as tokens, `input_ids` and `attention_mask`, padded and cut off to a length; it needs `tokenizers`.

    Attributes:
        tokenizer: the file of the tokenizer.
        length: in tokens.
        padding: the token that fills up.
    """

    kind: ClassVar[str] = "texts"
    tokenizer: str
    length: int
    padding: int = 0

    def inputs(self, raw: Sequence[str], library: Any) -> dict[str, Any]:
        """Return the inputs `[N, length]` of texts by name."""
        from tokenizers import Tokenizer

        reader = Tokenizer.from_file(self.tokenizer)
        reader.enable_truncation(self.length)
        reader.no_padding()
        rows = [encoded.ids for encoded in reader.encode_batch(list(raw))]
        ids = [row + [self.padding] * (self.length - len(row)) for row in rows]
        mask = [[1] * len(row) + [0] * (self.length - len(row)) for row in rows]
        named = {"input_ids": ids, "attention_mask": mask}
        return {
            name: library.asarray(values, dtype=library.int64).reshape(len(rows), self.length)
            for name, values in named.items()
        }


@dataclass(frozen=True)
class RawCharacters:
    """Texts of one length; a character's number is its index in `characters`."""

    kind: ClassVar[str] = "characters"
    characters: str
    length: int

    def inputs(self, raw: Sequence[str], library: Any) -> Any:
        """Return the inputs `[N, length]` of texts."""
        for text in raw:
            if len(text) != self.length or set(text) - set(self.characters):
                raise ValueError(f"expected texts of {self.length} known characters, found {text!r:.80}")
        return library.asarray([[self.characters.index(each) for each in text] for text in raw], dtype=library.int64)


RawInputs = RawArray | RawCharacters | RawRows | RawTexts


@dataclass(frozen=True)
class Prediction:
    """What some outputs say, in words and units of the data.

    Attributes:
        name: of what is predicted.
        kind: `classes`: the class with the largest value; `values`: `value * std + mean`; `binary`: the probability of
            a yes in each column.
        outputs: that are read, one after another, if classes are divided between several.
        columns: of each of the outputs, the class of each column, by name or number, or None; or names of values.
        mean: of the target in the training part, or 0.
        std: of the target in the training part, or 1.
        unit: of values.
    """

    name: str
    kind: str
    outputs: Sequence[str]
    columns: Sequence[Sequence[Any]] = ()
    mean: float = 0.0
    std: float = 1.0
    unit: str = ""

    def of(self, outputs: Mapping[str, Any]) -> list[Any]:
        """Return one prediction an example."""
        parts = [outputs[name].tolist() for name in self.outputs]
        return [self._of_example(rows) for rows in zip(*parts, strict=True)]

    def _of_example(self, rows: Sequence[Any]) -> Any:
        if isinstance(rows[0][0], list):  # at each of its positions
            return [self._of_example([position]) for position in rows[0]]
        if self.kind == "classes":
            pairs = [pair for row, own in zip(rows, self.columns, strict=True) for pair in zip(row, own, strict=True)]
            return max((pair for pair in pairs if pair[1] is not None), key=lambda pair: pair[0])[1]
        values = [0.5 + 0.5 * math.tanh(x / 2) if self.kind == "binary" else x * self.std + self.mean for x in rows[0]]
        return values[0] if len(values) == 1 else values


@dataclass(frozen=True)
class Preprocessing:
    """From raw examples to what a network is called with, and from its outputs to predictions.

    Attributes:
        raw: how inputs are made; None if only the code of the task knows.
        answers: what its outputs predict.
    """

    raw: RawInputs | None
    answers: Sequence[Prediction] = ()

    def read(self, path: str | Path) -> list[dict[str, str]]:
        """Return the rows of a CSV file, for `inputs`."""
        if not isinstance(self.raw, RawRows):
            raise ValueError(f"expected a network that reads rows of a table, found {self.raw and self.raw.kind}")
        return self.raw.read(path)

    def inputs(self, raw: Any, library: Any) -> Any:
        """Return what the network is called with, as arrays of `library`, which is the module torch or numpy.

        Raises:
            ValueError: `raw` is not such data; the message says where.
        """
        if self.raw is None:
            raise ValueError("expected a task that says how its inputs are made, found that only its code knows")
        return self.raw.inputs(raw, library)

    def predictions(self, outputs: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Return one prediction an example, by the name of what is predicted."""
        return {answer.name: answer.of(outputs) for answer in self.answers}

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        raw = None if self.raw is None else {"kind": self.raw.kind, **asdict(self.raw)}
        return {"inputs": raw, "predictions": [asdict(answer) for answer in self.answers]}


def load_preprocessing(folder: str | Path = ".") -> Preprocessing:
    """Return what `preprocessing.json` in `folder` says."""
    content = json.loads((Path(folder) / FILE).read_text(encoding="utf-8"))
    raw = content["inputs"] and dict(content["inputs"])
    made: RawInputs | None = None
    if raw:
        made = {kind.kind: kind for kind in (RawArray, RawCharacters, RawRows, RawTexts)}[raw.pop("kind")](**raw)
    if isinstance(made, RawRows):
        made = replace(made, columns=[RawColumn(**column) for column in raw["columns"]])
    if isinstance(made, RawTexts):
        made = replace(made, tokenizer=str(Path(folder) / made.tokenizer))
    return Preprocessing(made, [Prediction(**answer) for answer in content["predictions"]])


def _per_channel(values: Sequence[float], made: Any, library: Any) -> Any:
    """Return one number for all, or numbers `[C, 1, ...]`."""
    if len(values) == 1:
        return values[0]
    return library.asarray(values, dtype=library.float32).reshape(-1, *[1] * (made.ndim - 2))


def _single(value: float) -> float:
    """Return the nearest number of 32 bits."""
    return float(struct.unpack("f", struct.pack("f", value))[0])
