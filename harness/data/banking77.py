"""Banking77: questions to a bank, 77 intents."""

import csv
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from harness.core.errors import DataError
from harness.core.outputs import LABELS
from harness.data._base import AbstractTask, Split, TaskData
from harness.data.download import PublishedFile, fetch
from harness.data.splits import stratified_split
from harness.data.task_preprocessing import TaskPreprocessing
from harness.data.tokenizer import Tokenizer

__all__ = ["Banking77"]

FILES = {
    "train": "b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b",
    "test": "d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d",
}
COLUMNS = ["text", "category"]


class Banking77(AbstractTask):
    """Inputs `input_ids` and `attention_mask`; classes 0 to 76 are the intents in the order of their names.

    Of the publisher's 10,003 training questions a tenth of each intent validates; its 3,080 test questions test.

    Source: Casanueva et al. (2020), Efficient Intent Detection with Dual Sentence Encoders, arXiv:2003.04807.

    Attributes:
        tokenizer: that of the network.
        split_seed: of the choice of validation questions; the same in all runs of a study.
    """

    kind: Literal["banking77"] = "banking77"
    tokenizer: Tokenizer = Tokenizer()
    split_seed: int = 0

    def load(self, folder: Path | None) -> TaskData:
        """Return the data, from `folder` or the publisher. Raises `DataError`."""
        (texts, intents), (tested, expected) = (_read(fetch(_file(part), folder)) for part in FILES)
        numbers = {intent: number for number, intent in enumerate(sorted(set(intents)))}
        everything = self._split(texts, torch.tensor([numbers[intent] for intent in intents]))
        train, validation = stratified_split(everything.labels, (0.9, 0.1), seed=self.split_seed)
        test = self._split(tested, torch.tensor([numbers[intent] for intent in expected]))
        return TaskData(everything.take(train), everything.take(validation), test, self.classes)

    def preprocessing_from(self, folder: Path | None) -> TaskPreprocessing:
        """Return how questions become inputs. Raises `DataError`."""
        _, intents = _read(fetch(_file("train"), folder))
        return TaskPreprocessing(
            self.tokenizer.preprocessing, label="intent", class_names={LABELS: sorted(set(intents))}
        )

    def _split(self, texts: list[str], labels: Tensor) -> Split:
        return Split(self.tokenizer.encode(texts), labels)


def _read(path: Path) -> tuple[list[str], list[str]]:
    """Return the questions in `path` and their intents."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        if rows.fieldnames != COLUMNS:
            raise DataError(f"expected the columns {COLUMNS} in {path}, found {rows.fieldnames}; replace the file")
        texts, intents = zip(*([row[name] for name in COLUMNS] for row in rows), strict=True)
    return list(texts), list(intents)


def _file(part: str) -> PublishedFile:
    return PublishedFile(
        url=f"https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/master/banking_data/{part}.csv",
        sha256=FILES[part],
        folder="banking77",
    )
