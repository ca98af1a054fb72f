"""Texts as a pretrained network reads them."""

from collections.abc import Sequence
from typing import Any

import torch
from pydantic import PositiveInt
from torch import Tensor

from harness.core.errors import DataError
from harness.core.model_folder import MINILM, ModelFolder
from harness.core.spec import Spec
from harness.data.preprocessing import RawTexts

__all__ = ["Tokenizer"]

FILE = "tokenizer.json"
PADDING = ("[PAD]", "<pad>", "<|endoftext|>", "</s>")


class Tokenizer(Spec):
    """The tokenizer of a pretrained network; it needs `pip install 'harness[transformers]'`.

    Attributes:
        files: the folder of the network, in which `tokenizer.json` lies.
        length: tokens of a text, with those that mark its beginning and end; what is longer is cut off.
    """

    files: ModelFolder = MINILM
    length: PositiveInt = 32

    def encode(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Return `input_ids` and `attention_mask`, int64 `[N, T]`, padded on the right; T is that of the longest text.

        Raises:
            DataError: the folder has other bytes or no tokenizer, or there is no library to read it.
        """
        reader = self._reader()
        reader.enable_truncation(self.length)
        reader.no_padding()
        rows = [encoded.ids for encoded in reader.encode_batch(list(texts))]
        width = max(map(len, rows), default=0)
        fill = _padding(reader)
        ids = [row + [fill] * (width - len(row)) for row in rows]
        mask = [[1] * len(row) + [0] * (width - len(row)) for row in rows]
        named = {"input_ids": ids, "attention_mask": mask}
        return {name: torch.tensor(values, dtype=torch.int64).view(len(rows), width) for name, values in named.items()}

    @property
    def preprocessing(self) -> RawTexts:
        """How texts become inputs, all of them `length` tokens long. Raises `DataError` as `encode`."""
        return RawTexts(str(self.files.checked() / FILE), self.length, _padding(self._reader()))

    def _reader(self) -> Any:
        path = self.files.checked() / FILE
        try:
            from tokenizers import Tokenizer as Reader
        except ImportError:
            raise DataError(
                "expected the package tokenizers, found none; pip install 'harness[transformers]'"
            ) from None
        try:
            return Reader.from_file(str(path))
        except Exception as error:  # noqa: BLE001  # the library raises nothing more special
            reason = " ".join(str(error).split())
            raise DataError(f"expected a tokenizer at {path}, found none that can be read: {reason:.200}") from None


def _padding(reader: Any) -> int:
    """Return the id of the token that fills up, by which networks such as RoBERTa count positions."""
    ids = (reader.token_to_id(token) for token in PADDING)
    return next((found for found in ids if found is not None), 0)
