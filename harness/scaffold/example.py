"""The studies that come with harness, as their READMEs describe them."""

import re
from dataclasses import dataclass
from pathlib import Path

from harness.search.find import shipped_studies

__all__ = ["ShippedStudy", "examples", "question_in"]

TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
QUESTION = re.compile(r"^\*\*Question\.\*\* (.+?)\n\n", re.MULTILINE | re.DOTALL)
RUN_IT = re.compile(r"^\*\*Run it:\*\* (.+?)(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)
SIZE = re.compile(r"([\d.]+ [kM]B|[Aa] megabyte)(?= .*downloaded)")
EXTRA = re.compile(r"\.\[(\w+)\]")


@dataclass(frozen=True)
class ShippedStudy:
    """A study that came with harness.

    Attributes:
        download: how much data it downloads, or an empty string.
        extra: the optional dependencies that it needs, or an empty string.
    """

    name: str
    folder: Path
    title: str
    download: str
    extra: str


def examples() -> list[ShippedStudy]:
    """Return all studies that came with harness, those first that need nothing more."""
    found = [_example(name, folder) for name, folder in shipped_studies().items()]
    return sorted(found, key=lambda one: (bool(one.extra), bool(one.download), one.name))


def question_in(readme: Path) -> str:
    """Return the question that a study's README begins with, or an empty string."""
    found = QUESTION.search(readme.read_text(encoding="utf-8")) if readme.is_file() else None
    return found[1] if found else ""


def _example(name: str, folder: Path) -> ShippedStudy:
    text = (folder / "README.md").read_text(encoding="utf-8")
    run_it = " ".join(_first(RUN_IT, text).split())
    size = re.sub("[Aa] megabyte", "1 MB", _first(SIZE, run_it))
    return ShippedStudy(name, folder, _first(TITLE, text), size, _first(EXTRA, run_it))


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
