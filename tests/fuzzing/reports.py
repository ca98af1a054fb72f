"""Readers of reports that anybody may have written, and of what lies beside them."""

import functools
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random

import pandas as pd

import harness
from harness.reporting.checks.registered import registration_departures
from harness.reporting.publication.manifest import (
    MANIFEST,
    changed_runs,
    check_files,
    digests_left_out,
    manifest_of,
    stated_bytes,
)
from harness.reporting.publication.readable import unreadable
from harness.reporting.publication.report_folder import read_report
from harness.reporting.publication.source_files import CURVES, ENVIRONMENT, RUNS, STUDY, read_data
from harness.reporting.results.study_results import results_of_report
from harness.reporting.verification.time_stamp import read_time_stamp
from harness.reporting.verification.verify import verify
from tests.fuzzing.damage import bytes_damaged, json_damaged
from tests.fuzzing.parser import Parser

__all__ = ["REPORTS", "forged", "opened"]

REPORT = Path(harness.__file__).parents[1] / "reports" / "more-outputs"
STAMPS = Path(__file__).parents[1] / "reporting" / "verification" / "time_stamp"


@functools.cache
def _files() -> Mapping[str, bytes]:
    return read_report(REPORT)


def forged(files: Mapping[str, bytes]) -> bytes:
    """Return files as one content, names and lengths first."""
    lengths = json.dumps({name: len(content) for name, content in files.items()}).encode()
    return b"\n".join([lengths, b"".join(files.values())])


def opened(content: bytes) -> dict[str, bytes]:
    lengths, _, rest = content.partition(b"\n")
    stream = io.BytesIO(rest)
    return {name: stream.read(length) for name, length in json.loads(lengths).items()}


def _sources(_: Path) -> list[bytes]:
    return [forged({name: _files()[name] for name in (STUDY, ENVIRONMENT, RUNS, CURVES)})]


def _source_damaged(content: bytes, chance: Random) -> bytes:
    files = opened(content)
    name = chance.choice((STUDY, STUDY, ENVIRONMENT, RUNS, CURVES))
    damage = json_damaged if name.endswith(".json") else bytes_damaged
    return forged(files | {name: damage(files[name], chance)})


def _written(content: bytes, folder: Path) -> Path:
    """Write a report with these sources, whose manifest names all files that can be read."""
    files = {name: file for name, file in _files().items() if name != MANIFEST} | opened(content)
    readable = {name: file for name, file in files.items() if not unreadable({name: file})}
    files[MANIFEST] = manifest_of("forged", readable, _runs())
    for name, file in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(file)
    return folder


def _manifests(_: Path) -> list[bytes]:
    return [_files()[MANIFEST]]


def _manifest(content: bytes, _: Path) -> object:
    files = {**_files(), MANIFEST: content}
    return check_files(files), stated_bytes(content), digests_left_out(files), changed_runs(content, _runs())


@functools.cache
def _runs() -> pd.DataFrame:
    return read_data(_files()).runs


def _shown(read: Callable[[Path], object]) -> Callable[[bytes, Path], object]:
    return lambda content, folder: read(_written(content, folder))


def _registrations(_: Path) -> Sequence[bytes]:
    spec = json.loads(_files()[STUDY])["spec"]
    return [json.dumps({"spec": spec, "trials": 3, "seeds": 1, "points": "0" * 64}).encode()]


REPORTS = {
    "manifest": Parser(_manifests, _manifest, (bytes_damaged, json_damaged), slow=True),
    "results of a report": Parser(
        _sources, _shown(lambda folder: repr(results_of_report(folder))), (_source_damaged,), slow=True
    ),
    "verified report": Parser(_sources, _shown(verify), (_source_damaged,), slow=True),
    "registration": Parser(
        _registrations,
        lambda content, _: registration_departures(read_data(_files()), json.loads(content)),
        (json_damaged,),
        slow=True,
    ),
    "time stamp": Parser(
        lambda _: [path.read_bytes() for path in sorted(STAMPS.iterdir()) if path.suffix in (".tsr", ".tst")],
        lambda content, _: read_time_stamp(content),
        errors=(ValueError,),
    ),
}
