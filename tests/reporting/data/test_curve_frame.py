import numpy as np
import pandas as pd
import pytest

from harness.core.history import History, Series
from harness.reporting.data.curve_frame import CURVE_COLUMNS, _averaged, curve_digests, curve_frame, segments_of

RUNS = (("one", 0, "frozen", 0), ("two", 0, "unfrozen", 0))


def frame() -> pd.DataFrame:
    history = History()
    for step in range(1, 5):
        history.record(step, {"val/accuracy/all": step / 7, "train/loss/total": 1.0 / step})
    return curve_frame([segment for run in RUNS for segment in segments_of(run, [history, history], growth=2.0)])


def test_training_losses_are_averaged_between_evaluations() -> None:
    dense = Series([1, 2, 3, 4, 5], [1.0, 3.0, 5.0, 7.0, 100.0])

    averaged = _averaged(dense, ends=[0, 2, 4])

    assert averaged == Series([2, 4, 5], [2.0, 6.0, 100.0])


def test_sparse_training_losses_stay_as_they_are() -> None:
    sparse = Series([2, 4], [1.0, 2.0])

    assert _averaged(sparse, ends=[0, 2, 4]) is sparse


def test_what_is_measured_at_every_step_is_averaged_and_what_is_rare_is_kept() -> None:
    history = History()
    for step in range(1, 9):
        history.record(step, {"train/grad_norm": float(step), "train/lr/group_0": 0.1})
    for step in (4, 8):
        history.record(step, {"val/accuracy/all": 0.5, "drift/cka/output": 0.75, "train/trunk_norm/known": 2.0})

    found = {segment.name: segment for segment in segments_of(RUNS[0], [history], growth=0.0)}

    assert found["train/grad_norm"].measured.tolist() == [2.5, 6.5]
    assert found["drift/cka/output"].steps.tolist() == found["train/trunk_norm/known"].steps.tolist() == [4, 8]
    assert "train/lr/group_0" not in found


def test_every_run_has_a_digest_of_its_own() -> None:
    digests = curve_digests(frame())

    assert set(digests) == {"one", "two"}
    assert digests["one"] != digests["two"]


@pytest.mark.parametrize("column", ["step", "grown", "steps_since_growth", "value"])
def test_a_change_anywhere_changes_the_digest_of_that_run_alone(column: str) -> None:
    curves, changed = frame(), frame()
    at = int(np.flatnonzero(curves["run_id"] == "two")[1])
    value = curves[column].iloc[at]
    other = {"step": 99, "grown": not value, "steps_since_growth": 99.0, "value": np.nextafter(value, 1)}
    changed.loc[at, column] = other[column]

    assert curve_digests(changed)["one"] == curve_digests(curves)["one"]
    assert curve_digests(changed)["two"] != curve_digests(curves)["two"]


def test_a_row_taken_away_or_moved_changes_the_digest() -> None:
    curves = frame()

    shorter = curves.drop(index=curves.index[-1])
    turned = curves.iloc[::-1]

    assert curve_digests(shorter)["two"] != curve_digests(curves)["two"]
    assert curve_digests(turned)["one"] != curve_digests(curves)["one"]


def test_no_curves_make_an_empty_frame_without_digests() -> None:
    empty = curve_frame([])

    assert tuple(empty.columns) == CURVE_COLUMNS
    assert curve_digests(empty) == {}
