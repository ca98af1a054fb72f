"""Curves as one long frame, and a digest of each run's part of it."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.core.digest import canonical_json
from harness.core.history import History, Series

__all__ = ["CURVE_COLUMNS", "Segment", "curve_digests", "curve_frame", "segments_of"]

CURVE_COLUMNS = ("run_id", "trial", "arm", "seed", "name", "grown", "step", "steps_since_growth", "value")
AS_RECORDED = ("val/", "growth/", "signal/", "drift/")
AVERAGED = (
    "train/loss/",
    "train/loss_weighted/",
    "train/grad_norm",
    "train/loss_scale",
    "train/skipped_steps",
    "train/trunk_",
)
WORDS = ("run_id", "arm", "name")
Run = tuple[str, int, str, int]  # run id, trial, arm, seed


@dataclass(frozen=True)
class Segment:
    """One series of one run, before or after its first growth."""

    run: Run
    name: str
    grown: bool
    growth: float
    steps: NDArray[np.int64]
    measured: NDArray[np.float64]


def segments_of(run: Run, stages: Sequence[History], growth: float) -> Iterator[Segment]:
    """Yield the series that reports show, stage by stage; `growth` is the step of the first growth or NaN."""
    for stage, history in enumerate(stages):
        for name, series in _shown(history):
            steps = np.asarray(series.steps, dtype=np.int64)
            yield Segment(run, name, stage > 0, growth, steps, np.asarray(series.values, dtype=np.float64))


def _shown(history: History) -> Iterator[tuple[str, Series]]:
    evaluated = sorted({step for name in history if name.startswith("val/") for step in history[name].steps})
    for name in history:
        if name.startswith(AS_RECORDED):
            yield name, history[name]
        elif name.startswith(AVERAGED):
            yield name, _averaged(history[name], evaluated)


def _averaged(series: Series, ends: list[int]) -> Series:
    """Return the means of `series` over the steps up to each of `ends`; fewer points than ends stay as they are."""
    if len(series.steps) <= len(ends) or not ends:
        return series
    edges = np.unique([*ends, max(series.steps)])
    place = np.searchsorted(edges, series.steps)
    amounts = np.bincount(place, minlength=len(edges))
    sums = np.bincount(place, weights=series.values, minlength=len(edges))
    filled = amounts > 0
    return Series(edges[filled].tolist(), (sums[filled] / amounts[filled]).tolist())


def curve_frame(segments: Sequence[Segment]) -> pd.DataFrame:
    """Return the segments one after the other as rows with `CURVE_COLUMNS`; words are categories."""
    sizes = [len(segment.steps) for segment in segments]

    def spread(values: list[Any], kind: type) -> NDArray[Any]:
        return np.repeat(np.array(values, dtype=kind), sizes)

    def words(values: list[str]) -> pd.Categorical:
        known = sorted(set(values))
        places = {word: place for place, word in enumerate(known)}
        codes = np.repeat(np.array([places[word] for word in values], dtype=np.int64), sizes)
        return pd.Categorical.from_codes(codes, categories=pd.Index(known, dtype="str"))

    steps = np.concatenate([np.empty(0, np.int64), *(segment.steps for segment in segments)])
    return pd.DataFrame(
        {
            "run_id": words([segment.run[0] for segment in segments]),
            "trial": spread([segment.run[1] for segment in segments], np.int64),
            "arm": words([segment.run[2] for segment in segments]),
            "seed": spread([segment.run[3] for segment in segments], np.int64),
            "name": words([segment.name for segment in segments]),
            "grown": spread([segment.grown for segment in segments], np.bool_),
            "step": steps,
            "steps_since_growth": steps - spread([segment.growth for segment in segments], np.float64),
            "value": np.concatenate([np.empty(0), *(segment.measured for segment in segments)]),
        }
    )


def curve_digests(curves: pd.DataFrame) -> dict[str, str]:
    """Return the SHA-256 of every run's rows, to the last bit of every value and in their order."""
    numbers = [curves[name].to_numpy() for name in CURVE_COLUMNS if name not in WORDS]
    codes = [curves[name].cat.codes.to_numpy() for name in WORDS]
    known = [list(curves[name].cat.categories) for name in WORDS]
    starts = _starts(codes)
    digests: dict[str, Any] = {}
    for start, end in pairwise([*starts, len(curves)]):
        words = [str(names[code[start]]) for names, code in zip(known, codes, strict=True)]
        part = digests.setdefault(words[0], hashlib.sha256())
        part.update(canonical_json([*words, int(end - start)]).encode())
        for column in numbers:
            part.update(np.ascontiguousarray(column[start:end]).tobytes())
    return {run: part.hexdigest() for run, part in digests.items()}


def _starts(codes: Sequence[NDArray[Any]]) -> list[int]:
    """Return where a row's words differ from those of the row before."""
    if not len(codes[0]):
        return []
    changes = [np.flatnonzero(code[1:] != code[:-1]) + 1 for code in codes]
    return [int(start) for start in np.unique(np.concatenate([[0], *changes]))]
