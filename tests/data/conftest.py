"""What tests of data share."""

import io
import pickle
import string
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harness.core.model_folder import ModelFolder
from harness.data import Tokenizer


def _save_text(pickler: Any, value: bytes) -> None:
    """Write bytes as Python 2 did, in which they were texts."""
    pickler.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)
    pickler.memoize(value)


@pytest.fixture(scope="session")
def python2_pickle() -> Callable[[Any], bytes]:
    """Return what writes a value as Python 2 and numpy 1 did."""

    def pickled(value: Any) -> bytes:
        stream = io.BytesIO()
        pickler: Any = pickle._Pickler(stream, protocol=2)
        pickler.dispatch = pickler.dispatch | {bytes: _save_text}
        pickler.dump(value)
        return stream.getvalue().replace(b"cnumpy._core.", b"cnumpy.core.")

    return pickled


@pytest.fixture(scope="session")
def raw_xlsx() -> Callable[..., bytes]:
    """Return what writes a workbook of cells that are written out."""
    return _workbook


@pytest.fixture(scope="session")
def xlsx() -> Callable[[Mapping[str, object]], bytes]:
    """Return what writes a workbook with the fields given by place; texts are shared ones, as Excel has them."""

    def written(fields: Mapping[str, object]) -> bytes:
        texts = [value for value in fields.values() if isinstance(value, str)]
        cells = [
            f'<c r="{place}" t="s"><v>{texts.index(value)}</v></c>'
            if isinstance(value, str)
            else f'<c r="{place}"><v>{value}</v></c>'
            for place, value in fields.items()
        ]
        return _workbook("".join(cells), texts)

    return written


def _workbook(cells: str, texts: list[str], before: str = "") -> bytes:
    """Return a workbook with `cells` as they are, and `texts` for them to refer to."""
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as book:
        shared = "".join(f"<si><r><t>{text[:1]}</t></r><r><t>{text[1:]}</t></r></si>" for text in texts)
        book.writestr("xl/sharedStrings.xml", f"<sst {space}>{shared}</sst>")
        sheet = f"<worksheet {space}><sheetData><row>{cells}</row></sheetData></worksheet>"
        book.writestr("xl/worksheets/sheet1.xml", before + sheet)
    return stream.getvalue()


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """A tokenizer whose tokens are the words `a` to `z` and what marks the ends of a text."""
    tokenizers = pytest.importorskip("tokenizers")
    folder = tmp_path_factory.mktemp("pretrained")
    words = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", *string.ascii_lowercase]
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({word: n for n, word in enumerate(words)}, "[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    made.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text("{}")
    return Tokenizer(files=ModelFolder.of(str(folder)), length=6)
