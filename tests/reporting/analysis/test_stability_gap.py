import numpy as np
import pandas as pd
import pytest

from harness.reporting.analysis.stability_gap import finest_interval, known_accuracy, stability_gaps

NAME = "val/accuracy/known"
Point = tuple[float, float]


def curves_of(*runs: list[Point], arm: str = "a", name: str = NAME) -> pd.DataFrame:
    """Return runs of one configuration, each `(steps since the growth, value)`; below zero is before the growth."""
    rows = [
        (0, arm, seed, name, True, since >= 0, since, value) for seed, run in enumerate(runs) for since, value in run
    ]
    columns = ["trial", "arm", "seed", "name", "grew", "grown", "steps_since_growth", "value"]
    return pd.DataFrame(rows, columns=columns)


def test_the_gap_is_measured_against_the_last_value_before_the_growth() -> None:
    gaps = stability_gaps(curves_of([(-10, 0.5), (-1, 0.9), (0, 0.9), (10, 0.6), (20, 0.8), (30, 0.9)]), NAME)

    (row,) = gaps.to_dict("records")
    assert row["lowest"] == pytest.approx(-0.3)
    assert row["last"] == pytest.approx(0)
    assert row["recovered"] == 30
    assert row["area"] == pytest.approx(10 * 0.15 + 10 * 0.2 + 10 * 0.05)


def test_what_never_comes_back_has_no_time_of_recovery() -> None:
    gaps = stability_gaps(curves_of([(-1, 0.9), (0, 0.9), (10, 0.6), (20, 0.88)]), NAME)

    assert gaps["recovered"].isna().all()


def test_a_run_that_never_falls_has_recovered_at_once() -> None:
    gaps = stability_gaps(curves_of([(-1, 0.5), (0, 0.5), (10, 0.6)]), NAME)

    assert gaps[["lowest", "area", "recovered"]].iloc[0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("run", [[(-1, 0.5)], [(0, 0.5), (5, 0.6)]])
def test_a_run_without_both_sides_of_the_growth_has_no_gap(run: list[Point]) -> None:
    assert len(stability_gaps(curves_of(run), NAME)) == 0


def test_values_that_are_no_numbers_are_not_measured() -> None:
    gaps = stability_gaps(curves_of([(-1, 0.5), (0, np.nan), (10, 0.4), (20, np.inf)]), NAME)

    assert gaps["lowest"].tolist() == pytest.approx([-0.1])


def test_two_heads_that_were_there_before_are_no_known_one() -> None:
    two = pd.concat([curves_of([(-1, 0.5), (0, 0.4)], name=f"val/accuracy/{head}") for head in ("one", "two")])

    assert known_accuracy(two) is None


def test_a_head_that_only_a_control_has_from_the_start_does_not_hide_the_known_one() -> None:
    control = curves_of([(-1, 0.5), (0, 0.4)], arm="from the start", name="val/accuracy/late").assign(grew=False)

    assert known_accuracy(pd.concat([curves_of([(-1, 0.5), (0, 0.4)]), control])) == NAME


def test_evaluations_at_every_update_are_found_until_they_end() -> None:
    dense = [(float(step), 0.5) for step in (-25, *range(31), 50, 75, 100)]

    assert finest_interval(curves_of(dense, dense), NAME, 25) == (1, 30)


@pytest.mark.parametrize("steps", [range(-25, 200, 25), range(-25, 1), [-20, 5, 30, 55]])
def test_without_more_evaluations_than_usual_the_interval_is_the_usual(steps: list[int]) -> None:
    curves = curves_of([(float(step), 0.5) for step in steps])

    assert finest_interval(curves, NAME, 25) == (25, 0)


def test_runs_that_are_evaluated_out_of_step_do_not_look_dense() -> None:
    runs = [[(float(step + seed), 0.5) for step in range(0, 200, 25)] for seed in range(5)]

    assert finest_interval(curves_of(*runs), NAME, 25)[0] == 25


def test_of_evaluations_that_stay_dense_there_is_no_end() -> None:
    assert finest_interval(curves_of([(float(step), 0.5) for step in range(-5, 60)]), NAME, 25) == (1, 59)
