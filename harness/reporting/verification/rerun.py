"""Training runs of a report again: the third level of verifying, which a forger of data cannot pass.

Nothing here trains; whoever calls brings the function that does.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.core.history import History
from harness.reporting.data.columns import RUN
from harness.reporting.data.curve_frame import curve_frame, segments_of
from harness.reporting.data.environment import environment, environment_differences
from harness.reporting.data.missing_results import DIVERGED, diverged
from harness.reporting.publication.manifest import MANIFEST
from harness.reporting.publication.report_folder import read_report
from harness.reporting.publication.source_files import read_data
from harness.reporting.verification.claim_size import ClaimSize, claim_size
from harness.reporting.verification.other_machine import in_what, judged_elsewhere, machine_differences
from harness.reporting.verification.retrained_metrics import (
    TOLERANCE,
    MetricDifference,
    deciding_metric,
    metric_differences,
    other_columns,
)
from harness.reporting.verification.sample import choose_runs, named_run
from harness.reporting.verification.verify import Outcome
from harness.staging.run_name import run_name

__all__ = ["ChosenRuns", "Rerun", "Retrained", "chosen_runs", "rerun"]

SIGNAL = "signal/"
TEST = "test/"
POINT = ["name", "grown", "step"]


@dataclass(frozen=True)
class Retrained:
    """What a run left behind when it was trained again.

    Attributes:
        stages: what was recorded, stage by stage.
        state_sha256: of the last snapshot.
        metrics: the results, by name.
        growths: of each growth its `step`, `parameters_added` and `flops_before`.
        frozen: SHA-256 over what was frozen, when it was frozen and at the end; empty if not known.
        diverged: what became NaN or infinite; empty for a run that came to its end.
        machine: what it was trained with, as `RunRecord.machine`.
    """

    stages: Sequence[History] = ()
    state_sha256: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    growths: Sequence[Mapping[str, Any]] = ()
    frozen: tuple[str, ...] = ("", "")
    diverged: str = ""
    machine: Mapping[str, Any] = field(default_factory=dict)


Train = Callable[[dict[str, Any], Mapping[str, int], bool], Retrained]


@dataclass(frozen=True)
class Rerun:
    """What became of one run.

    Attributes:
        name: trial, arm, seed and id, as people say them.
        outcome: of this run.
        what: the first difference, or why it cannot be trained here; empty if it is the same.
    """

    name: str
    outcome: Outcome
    what: str = ""


@dataclass(frozen=True)
class ChosenRuns:
    """Runs of a report that are trained again.

    Attributes:
        rows: see `StudyData.runs`; those that were named stand first.
        curves: of these runs and others.
        metric: the one that decides, without its split.
        differences: how this environment differs from the report's.
        named: how many were named.
        claim: how large what the report claims is.
    """

    rows: Sequence[Mapping[str, Any]]
    curves: pd.DataFrame
    metric: str
    differences: Sequence[str] = ()
    named: int = 0
    claim: ClaimSize = field(default_factory=ClaimSize)


def chosen_runs(folder: Path, amount: int, nonce: str, named: Sequence[str] = ()) -> ChosenRuns:
    """Return the `named` runs and `amount` others that `nonce` chooses, among those that completed or diverged.

    Raises:
        InputError: the folder holds no report, or a name is not that of one such run, or of one that failed otherwise.
    """
    files = read_report(folder)
    data = read_data(files)
    ended = data.runs[(data.runs["status"] == "completed") | diverged(data.runs)]
    any_end = data.runs[data.runs["status"].isin(["completed", "failed"])]
    doubted = list(dict.fromkeys(named_run(any_end.to_dict("records"), name) for name in named))
    others = ended[~ended["run_id"].isin(doubted)]
    drawn = choose_runs(zip(others["arm"], others["run_id"], strict=True), files[MANIFEST], nonce, amount)
    rows = {row["run_id"]: row for row in data.runs.to_dict("records")}
    differences = environment_differences(json.loads(files["environment.json"]), environment())
    chosen = [{str(key): value for key, value in rows[run].items()} for run in (*doubted, *drawn)]
    return ChosenRuns(chosen, data.curves, data.study.spec.metric, differences, len(doubted), claim_size(data))


def rerun(chosen: ChosenRuns, train: Train, tolerance: float | None = None) -> Iterator[Rerun]:
    """Train each run again and compare it, to the bit or within `tolerance`.

    A run whose history or weights are the recorded ones must have every metric, whatever the machine. Else a difference
    in an environment that is not the report's proves nothing, unless it is one of the metric that decides and greater
    than rounding explains. On a machine of another kind, rounding passes that is too small to matter to the claim.

    Args:
        chosen: the runs.
        train: trains a configuration, given the steps at which signals came and whether test data are looked at, from
            step 0 and without any store. It raises `ValueError` if it cannot.
        tolerance: relative beyond one and absolute below, for all numbers.
    """
    for row in chosen.rows:
        name = f"{run_name(row['trial'], row['arm'], row['seed'])} ({row['run_id']})"
        recorded = chosen.curves[np.logical_and.reduce([chosen.curves[part] == row[part] for part in RUN])]
        heard = {
            str(series).removeprefix(SIGNAL): int(step)
            for series, step in zip(recorded["name"], recorded["step"], strict=True)
            if str(series).startswith(SIGNAL)
        }
        try:
            opened = any(str(metric).startswith(TEST) and pd.notna(value) for metric, value in row.items())
            again = train(json.loads(row["config"]), heard, opened or row["status"] != "completed")
        except ValueError as error:
            yield Rerun(name, "CANNOT-RUN", " ".join(str(error).split()))
            continue
        except Exception as error:  # whatever a run may fail with
            if row["status"] == "completed":
                raise
            yield _of_failure(name, row, error)
            continue
        if row["status"] != "completed" or again.diverged:
            yield _of_diverged(name, row, again)
        else:
            yield _compared(name, row, recorded, again, chosen, tolerance)


def _of_diverged(name: str, row: Mapping[str, Any], again: Retrained) -> Rerun:
    """Compare how a run ended, where one side says that it diverged: what it counts as depends on that."""
    if row["status"] == "completed":
        return Rerun(name, "FAIL", f"recorded as completed, and diverged when it was trained again: {again.diverged}")
    is_diverged = str(row["reason"]).lower().startswith(DIVERGED)
    how = "diverged" if is_diverged else f"failed ({row['reason']})"
    if not again.diverged:
        return Rerun(name, "FAIL", f"recorded as {how}, and completed when it was trained again")
    if not is_diverged:
        return Rerun(name, "FAIL", f"recorded as {how}, and diverged when it was trained again: {again.diverged}")
    return Rerun(name, "PASS-BITWISE", f"diverged as recorded: {again.diverged}")


def _of_failure(name: str, row: Mapping[str, Any], error: Exception) -> Rerun:
    """Compare why a run failed with the `error` that it ends with here."""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    if what == " ".join(str(row["reason"]).split()):
        return Rerun(name, "PASS-BITWISE", f"failed as recorded: {what}")
    return Rerun(name, "CANNOT-RUN", f"recorded as failed ({row['reason']}), and failed here: {what}")


def _compared(
    name: str,
    row: Mapping[str, Any],
    recorded: pd.DataFrame,
    again: Retrained,
    chosen: ChosenRuns,
    tolerance: float | None,
) -> Rerun:
    metrics = metric_differences(row, again.metrics)
    decides = next((one for one in metrics if one.name == deciding_metric(row, chosen.metric)), None)
    what = str(decides or "") or "".join(map(str, metrics[:1])) or _first_difference(row, recorded, again)
    if not what:
        return Rerun(name, "PASS-BITWISE")
    if metrics and (same := _same_training(row, again)):
        return Rerun(name, "FAIL", f"{what}, though {same}, from which every metric follows on any machine")
    elsewhere = machine_differences(row, again.machine, chosen.differences)
    differs = bool(chosen.differences or elsewhere)
    if decides and not decides.is_within(tolerance) and (differs or tolerance is not None):
        allowed = f"{TOLERANCE:.0%} on any machine" if tolerance is None else f"--tolerance {tolerance:g}"
        return Rerun(name, "FAIL", f"{what}: the metric that decides, further apart than {allowed}")
    if tolerance is not None and _is_near(metrics, row, recorded, again, tolerance):
        return Rerun(name, "PASS-TOLERANCE", what)
    if elsewhere and tolerance is None:
        found = judged_elsewhere(recorded, _curves(row, again), metrics, decides, chosen.claim)
        return Rerun(name, found[0], f"{found[1]}; the machines differ in {in_what(elsewhere)}")
    return Rerun(name, "CANNOT-RUN" if differs and tolerance is None else "FAIL", what)


def _same_training(row: Mapping[str, Any], again: Retrained) -> str:
    """Say which digest shows that a run was trained as recorded, to the bit; empty if none does."""
    if row.get("history_sha256") and _history_digest(again) == row["history_sha256"]:
        return "the history is the recorded one to the bit"
    if row.get("final_sha256") and again.state_sha256 == row["final_sha256"]:
        return "the final weights are the recorded ones to the bit"
    return ""


def _history_digest(again: Retrained) -> str:
    whole = History()
    for stage in again.stages:
        whole = whole.then(stage)
    return hashlib.sha256(whole.to_bytes()).hexdigest()


def _is_near(
    metrics: Sequence[MetricDifference],
    row: Mapping[str, Any],
    recorded: pd.DataFrame,
    again: Retrained,
    tolerance: float,
) -> bool:
    near = all(one.is_within(tolerance) for one in metrics)
    return near and not _first_point(recorded, _curves(row, again), tolerance)


def _first_difference(row: Mapping[str, Any], recorded: pd.DataFrame, again: Retrained) -> str:
    if point := _first_point(recorded, _curves(row, again), 0.0):
        return point
    if _history_digest(again) != row["history_sha256"]:
        return "the curves are the same, but the history between evaluations is not the recorded one"
    if row["final_sha256"] and again.state_sha256 != row["final_sha256"]:
        return "the history is the same, but the final weights are not the recorded ones"
    return other_columns(row, again.growths, again.frozen)


def _curves(row: Mapping[str, Any], again: Retrained) -> pd.DataFrame:
    run = (str(row["run_id"]), int(row["trial"]), str(row["arm"]), int(row["seed"]))
    return curve_frame(list(segments_of(run, again.stages, float(row["growth_step"]))))


def _first_point(recorded: pd.DataFrame, found: pd.DataFrame, tolerance: float) -> str:
    """Say at which step, and in which series, two runs' curves differ first; empty if they do not."""
    sides = [frame.astype({"name": "str"})[[*POINT, "value"]] for frame in (recorded, found)]
    # At the step of a later growth a series has a value from before it and one from after, in this order.
    sides = [side.assign(place=side.groupby(POINT).cumcount()) for side in sides]
    keys = [*POINT, "place"]
    both = sides[0].merge(sides[1], on=keys, how="outer", suffixes=("_recorded", "_found"), indicator=True)
    old, new = (both[f"value_{side}"].to_numpy(np.float64) for side in ("recorded", "found"))
    if tolerance:
        near = np.isclose(new, old, rtol=tolerance, atol=tolerance, equal_nan=True)
    else:
        near = old.view(np.int64) == new.view(np.int64)
    apart = both[~near | (both["_merge"] != "both").to_numpy()].sort_values(["step", "name"])
    if not len(apart):
        return ""
    first = apart.iloc[0]
    values = {
        "both": f"recorded {first['value_recorded']!r}, found {first['value_found']!r}",
        "left_only": "recorded, not found",
        "right_only": "found, not recorded",
    }
    return f"step {first['step']}, {first['name']}: {values[str(first['_merge'])]}"
