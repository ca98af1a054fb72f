"""Anuran calls: 7,195 syllables of frogs in 60 recordings; families, genera and species."""

from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from harness.core.outputs import LABELS
from harness.data._base import AbstractTask, Split, TaskData
from harness.data.columns import read_columns
from harness.data.download import PublishedFile, fetch
from harness.data.preprocessing import RawColumn, RawRows
from harness.data.splits import grouped_split
from harness.data.task_preprocessing import TaskPreprocessing

__all__ = ["AnuranCalls"]

FILE = PublishedFile(
    url="https://archive.ics.uci.edu/ml/machine-learning-databases/00406/Anuran%20Calls%20(MFCCs).zip",
    sha256="8b161e8d8535b871043cce7ecb7a3496e4b8baef377f1fe9bd4bc91b6effca38",
    folder="anuran-calls",
    member="Frogs_MFCCs.csv",
)
FEATURES = tuple(f"MFCCs_{number:2}" for number in range(1, 23))
RECORDING = "RecordID"
# A class is the index of its name here; names are in alphabetical order.
LEVELS = {
    "family": ("Bufonidae", "Dendrobatidae", "Hylidae", "Leptodactylidae"),
    "genus": (
        "Adenomera",
        "Ameerega",
        "Dendropsophus",
        "Hypsiboas",
        "Leptodactylus",
        "Osteocephalus",
        "Rhinella",
        "Scinax",
    ),
    "species": (
        "AdenomeraAndre",
        "AdenomeraHylaedactylus",
        "Ameeregatrivittata",
        "HylaMinuta",
        "HypsiboasCinerascens",
        "HypsiboasCordobae",
        "LeptodactylusFuscus",
        "OsteocephalusOophagus",
        "Rhinellagranulosa",
        "ScinaxRuber",
    ),
}


class AnuranCalls(AbstractTask):
    """Inputs `[22]`, mel-frequency cepstral coefficients standardized by the training part.

    The targets `family`, `genus` and `species` are classes, numbered in alphabetical order; each species is of one
    genus, and each genus of one family. A species has 68 to 3,478 syllables. `recording` is the recording's number.

    Each recording is of one frog and in one part, so that no frog of the test part was heard in training. About three
    fifths of each species' syllables train, a fifth validates and a fifth tests, as nearly as its 3 to 11 recordings
    allow; every part has every species. The division is the same for all seeds.

    Source: Colonna, Nakamura, Cristo and Gordo (2015), Anuran Calls (MFCCs), UCI Machine Learning Repository,
    doi:10.24432/C5CC9H.

    Attributes:
        level: of the classes that are the labels.
    """

    kind: Literal["anuran_calls"] = "anuran_calls"
    level: Literal["family", "genus", "species"] = "family"

    def load(self, folder: Path | None) -> TaskData:
        """Return the data, from `folder` or the publisher. Raises `DataError`."""
        features, targets, recordings = _read(folder)
        training, testing, validating = _parts(targets, recordings)
        inputs = ((features - features[training].mean(0)) / features[training].std(0)).float()
        everything = Split(inputs, targets[self.level], targets | {"recording": recordings})
        train, validation, test = map(everything.take, (training, validating, testing))
        return TaskData(train, validation, test, self.classes, groups=recordings[testing])

    def preprocessing_from(self, folder: Path | None) -> TaskPreprocessing:
        """Return how rows of the publisher's table become inputs. Raises `DataError`."""
        features, targets, recordings = _read(folder)
        training = features[_parts(targets, recordings)[0]]
        columns = [
            RawColumn(*column)
            for column in zip(FEATURES, training.mean(0).tolist(), training.std(0).tolist(), strict=True)
        ]
        names = {**LEVELS, LABELS: LEVELS[self.level]}
        return TaskPreprocessing(RawRows(columns), label=self.level, class_names=names)


def _read(folder: Path | None) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """Return the features `[N, 22]`, the classes by level and the recordings. Raises `DataError`."""
    columns = read_columns(fetch(FILE, folder), [*FEATURES, *(level.title() for level in LEVELS), RECORDING])
    features = torch.stack([columns.numbers(name) for name in FEATURES], dim=1)
    targets = {level: columns.classes(level.title(), names) for level, names in LEVELS.items()}
    return features, targets, columns.classes(RECORDING)


def _parts(targets: dict[str, Tensor], recordings: Tensor) -> list[Tensor]:
    """Return which examples train, test and validate."""
    # Of two equal fractions the first gets what is longer: the test, whose results are the final ones.
    return grouped_split(targets["species"], recordings, (0.6, 0.2, 0.2), seed=0)
