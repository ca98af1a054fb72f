"""The files of live runs: where they are, and how what a run measures is written into them and read again.

A file is a sequence of frames. The first is JSON: what is known of the run, when it began, and what its process uses.
Every later one is a line of JSON (`ms`, the time in milliseconds since 1970; `series`, the name and length of each; and
perhaps what the process uses), and behind it all steps (int64), then all values (float64), series after series.
"""

import json
import math
import time
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.history import History, Series
from harness.staging.ledger import RunRecord
from harness.tracking.live.system_metrics import USAGE

__all__ = [
    "SUFFIX",
    "UNREADABLE",
    "Frame",
    "Start",
    "decode_part",
    "decode_start",
    "encode_part",
    "encode_start",
    "live_files",
    "live_folder",
]

SUFFIX = ".live"
# Of the record of a run that begins, with what each is.
FIELDS: dict[str, type] = {
    "study": str,
    "trial": int,
    "arm": str,
    "seed": int,
    "run_id": str,
    "params": dict,
    "config": dict,
    "commit": str,
}
# What a reader raises where the bytes are others, though their checksum is right.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True)
class Start:
    """What the first frame says.

    Attributes:
        record: what is known of the run.
        began: when it began, in seconds since 1970.
        usage: what its process used then.
    """

    record: RunRecord
    began: float
    usage: Mapping[str, float]


@dataclass(frozen=True)
class Frame:
    """What a later frame says.

    Attributes:
        ms: when it was written, in milliseconds since 1970.
        series: what was measured, by the names of metrics.
        usage: what the process used then; empty in most frames.
    """

    ms: int
    series: Mapping[str, Series]
    usage: Mapping[str, float]


def live_folder(home: Path, study: str) -> Path:
    """Return the folder of the files of a study's live runs."""
    return home / "live" / study


def live_files(home: Path, study: str) -> list[Path]:
    """Return the files of the attempts at runs of a study."""
    return sorted(live_folder(home, study).glob(f"[!.]*{SUFFIX}"))


def encode_start(record: RunRecord, usage: Mapping[str, float]) -> bytes:
    """Return the content of the first frame of a run that begins now."""
    about = {"began": time.time(), **usage}
    return json.dumps(about | {name: getattr(record, name) for name in FIELDS}).encode()


def decode_start(content: bytes) -> Start:
    """Read the content of the first frame.

    Raises:
        UNREADABLE: it is the content of something else.
    """
    head = json.loads(content)
    fields = {name: head[name] for name in head if name in FIELDS}
    wrong = [name for name, kind in FIELDS.items() if type(fields.get(name, kind())) is not kind]
    if wrong or not math.isfinite(head["began"]):
        raise ValueError(f"expected a run, found another {wrong or 'time'}")
    return Start(RunRecord(**fields, status="running"), head["began"], _usage(head))


def encode_part(part: History, usage: Mapping[str, float]) -> bytes:
    """Return the content of a frame with what was measured since the frame before."""
    columns = [(name, part[name]) for name in part]
    lengths = [[name, len(series.steps)] for name, series in columns]
    head = {"ms": int(time.time() * 1000), "series": lengths, **usage}
    steps, values = array("q"), array("d")
    for _, series in columns:
        steps.extend(series.steps)
        values.extend(series.values)
    return json.dumps(head).encode() + b"\n" + steps.tobytes() + values.tobytes()


def decode_part(content: bytes) -> Frame:
    """Read the content of a later frame.

    Raises:
        UNREADABLE: it is the content of something else.
    """
    line, _, columns = content.partition(b"\n")
    head = json.loads(line)
    half = len(columns) // 2
    steps, values = array("q", columns[:half]), array("d", columns[half:])
    series, start = dict[str, Series](), 0
    for name, length in head["series"]:
        end = start + length
        if not isinstance(name, str) or end <= start or end > len(steps):
            raise ValueError(f"expected {length} measurements of a name, found {len(steps) - start}")
        series[name] = Series(sorted(steps[start:end]), values[start:end].tolist())
        start = end
    return Frame(int(head["ms"]), series, _usage(head))


def _usage(head: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in head.items() if name in USAGE}
