"""Readers of studies: their specs as JSON, what `--set` says, the names and paths that are typed."""

import functools
import json
from collections.abc import Sequence
from pathlib import Path

import harness
from harness.cli.sizes import parse_bytes
from harness.core.spec import flatten, parse_assignments
from harness.search.load import load_begun, load_study
from harness.search.study import Study
from harness.search.study_name import check_study_name
from harness.staging.database import Database
from harness.staging.ledger import StudyRecord
from harness.staging.study_spec import StudySpec
from harness.tracking.delivery.destination import parse_destination
from tests.fuzzing.damage import json_damaged
from tests.fuzzing.parser import Parser

__all__ = ["SPECS"]

STUDIES = Path(harness.__file__).parents[1] / "studies"
LOADED = ("digits-late-classes", "digits-each-at-its-best", "split-mnist", "deeper-language-model")
FEW = 40  # settings of a study


@functools.cache
def _studies() -> Sequence[Study]:
    return [load_study(STUDIES / name / "study.py") for name in LOADED]


def _specs(_: Path) -> list[bytes]:
    return [json.dumps(study.to_json()).encode() for study in _studies()]


def _as_begun(content: bytes, _: Path) -> object:
    spec = StudySpec(json.loads(content)) if content[:1] == b"{" else StudySpec({"name": json.loads(content)})
    return load_begun(StudyRecord("begun", spec, 1, 1)).to_json()


def _settings(_: Path) -> list[bytes]:
    fields = flatten(_studies()[0].base.to_json())
    return [f"{path}={json.dumps(value)}".encode() for path, value in list(fields.items())[:FEW]]


def _changed(content: bytes, _: Path) -> object:
    text = content.decode(errors="surrogateescape").replace("\0", "")  # as Python reads arguments, which hold no zeros
    return _studies()[0].changed(parse_assignments([text])).to_json()


def _typed(content: bytes) -> str:
    return content.decode(errors="surrogateescape")


SPECS = {
    "spec": Parser(_specs, _as_begun, (json_damaged,)),
    "--set": Parser(_settings, _changed),
    "size": Parser(lambda _: [b"20GB", b"1.5M", b"100"], lambda content, _: parse_bytes(_typed(content))),
    "tracking address": Parser(
        lambda _: [b"http://me:word@host:5000/path?a=b", b"sqlite:////tmp/a.db", b"https://[::1]:5000"],
        lambda content, folder: parse_destination(_typed(content), folder),
    ),
    "storage address": Parser(
        lambda _: [b"postgresql://me:word@host:5432/name?sslmode=require", b"sqlite:////tmp/a.db"],
        lambda content, _: str(Database(_typed(content))),
    ),
    "name": Parser(
        lambda _: [b"my-study", b"my_study-2"],
        lambda content, _: check_study_name(_typed(content)),
        errors=(ValueError,),
    ),
}
