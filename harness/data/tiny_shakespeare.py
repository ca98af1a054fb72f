"""Tiny Shakespeare: a million characters of his plays, to be predicted one after another."""

from pathlib import Path
from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from harness.core.errors import DataError
from harness.data._base import AbstractTask, Split, TaskData
from harness.data.download import PublishedFile, fetch
from harness.data.preprocessing import RawCharacters
from harness.data.task_preprocessing import TaskPreprocessing

__all__ = ["TinyShakespeare"]

FILE = PublishedFile(
    url="https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    folder="tiny-shakespeare",
)
CHARACTERS = 65
TRAINED, VALIDATED = 0.9, 0.95  # where the parts end


class TinyShakespeare(AbstractTask):
    """Inputs are `length` characters, int64 `[length]` below 65; the target `next` is the character after each.

    The first nine tenths of the text train, the next twentieth validates, the last one tests; each is cut into pieces
    that follow one another. The characters are numbered in the order of their codes. An output that predicts them is
    `Output(kind="classes", columns=65)`, named `next` or with that target.

    Source: Karpathy (2015), The Unreasonable Effectiveness of Recurrent Neural Networks; the plays are in the public
    domain.

    Attributes:
        length: of a piece.
    """

    kind: Literal["tiny_shakespeare"] = "tiny_shakespeare"
    length: PositiveInt = 64

    def load(self, folder: Path | None) -> TaskData:
        """Return the data, from `folder` or the publisher. Raises `DataError`."""
        _, tokens = _read(folder)
        ends = [int(len(tokens) * share) for share in (TRAINED, VALIDATED)]
        train, validation, test = map(self._split, tokens.tensor_split(ends))
        return TaskData(train, validation, test, self.classes)

    def preprocessing_from(self, folder: Path | None) -> TaskPreprocessing:
        """Return how characters become numbers. Raises `DataError`."""
        characters = _read(folder)[0]
        return TaskPreprocessing(RawCharacters(characters, self.length), class_names={"next": tuple(characters)})

    def _split(self, tokens: Tensor) -> Split:
        pieces = (len(tokens) - 1) // self.length
        if not pieces:
            raise DataError(f"expected pieces shorter than {len(tokens)} characters, found length={self.length}")
        inputs, following = (tokens[start:][: pieces * self.length].reshape(pieces, -1) for start in (0, 1))
        return Split(inputs, torch.zeros(pieces, dtype=torch.int64), {"next": following})


def _read(folder: Path | None) -> tuple[str, Tensor]:
    """Return the characters in order of their codes, and the text as their numbers. Raises `DataError`."""
    path = fetch(FILE, folder)
    known, tokens = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8).unique(return_inverse=True)
    if len(known) != CHARACTERS:
        raise DataError(f"expected {CHARACTERS} characters in {path}, found {len(known)}; replace the file")
    return bytes(known.tolist()).decode("ascii", errors="replace"), tokens
