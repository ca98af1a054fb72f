"""The files by which raw examples become inputs where harness is not."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

from harness.api.exporting.raw_example import EXAMPLE, raw_example
from harness.data import preprocessing as standalone
from harness.data.preprocessing import FILE, Preprocessing, RawRows, RawTexts

__all__ = ["write_preprocessing"]

TOKENIZER = "tokenizer.json"


def write_preprocessing(preprocessing: Preprocessing, folder: Path) -> None:
    """Write `preprocessing.json`, the code that reads it, and what it needs: a tokenizer, or a row of a table."""
    raw = preprocessing.raw
    if isinstance(raw, RawTexts):
        shutil.copyfile(raw.tokenizer, folder / TOKENIZER)
        preprocessing = replace(preprocessing, raw=replace(raw, tokenizer=TOKENIZER))
    if isinstance(raw, RawRows):
        _write_rows(raw, folder / EXAMPLE)
    content = json.dumps(preprocessing.to_json(), indent=2, ensure_ascii=False)
    (folder / FILE).write_text(content + "\n", encoding="utf-8")
    shutil.copyfile(standalone.__file__, folder / "preprocessing.py")


def _write_rows(raw: RawRows, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [column.name for column in raw.columns], delimiter=raw.delimiter)
        writer.writeheader()
        writer.writerows(raw_example(raw))
