import numpy as np
import pandas as pd
import pytest

from harness.reporting.data.alignment import aligned
from harness.reporting.data.growth_axis import on_growth_axis

NAME = "val/accuracy/known"
ARMS = ("a", "b", "never")
Key = tuple[int, str, int]


def curves_of(growths: dict[Key, float], steps: range = range(0, 201, 50)) -> pd.DataFrame:
    """Return one series a run, whose value is its step; a run that grew was measured twice at that step."""
    rows = []
    for (trial, arm, seed), growth in growths.items():
        run = f"{trial}{arm}{seed}"
        for step in steps:
            rows += [(run, trial, arm, seed, NAME, False, step, growth)] if not step > growth else []
            rows += [(run, trial, arm, seed, NAME, True, step, growth)] if step >= growth else []
    columns = ["run_id", "trial", "arm", "seed", "name", "grown", "step", "growth"]
    frame = pd.DataFrame(rows, columns=columns)
    since = frame["step"] - frame["growth"]
    frame = frame.assign(steps_since_growth=since, value=frame["step"].astype(float)).drop(columns="growth")
    return frame.astype({"run_id": "category", "arm": "category", "name": "category"})


def pairs_of(curves: pd.DataFrame) -> pd.DataFrame:
    return curves[["trial", "seed"]].drop_duplicates()


def test_a_run_that_never_grew_counts_from_the_growth_beside_it() -> None:
    curves = curves_of({(0, "a", 0): 100, (0, "b", 0): 100, (0, "never", 0): np.nan})

    found = on_growth_axis(curves, pairs_of(curves), ARMS)

    never, grown = (found[found["arm"] == arm] for arm in ("never", "a"))
    columns = ["grown", "steps_since_growth", "value"]
    assert never[columns].to_numpy().tolist() == grown[columns].to_numpy().tolist()
    assert not never["grew"].any()
    assert grown["grew"].all()


def test_one_run_that_never_grew_counts_in_each_configuration_from_the_growth_beside_it_there() -> None:
    growths: dict[Key, float] = {(trial, arm, 0): 50.0 * (1 + trial) for trial in (0, 1) for arm in ("a", "b")}
    curves = curves_of(growths | {(trial, "never", 0): np.nan for trial in (0, 1)})
    same = curves["run_id"].astype("str").where(curves["arm"] != "never", "never")

    found = on_growth_axis(curves.assign(run_id=same.astype("category")), pairs_of(curves), ARMS)

    never = found[found["arm"] == "never"]
    assert (never["step"] - never["steps_since_growth"]).groupby(never["trial"]).unique().to_dict() == {
        0: [50],
        1: [100],
    }


def test_compared_with_an_arm_that_never_grows_the_growth_is_that_of_the_other() -> None:
    curves = curves_of({(0, "a", 0): 100, (0, "b", 0): np.nan, (1, "a", 0): 50, (1, "b", 0): np.nan})

    found = on_growth_axis(curves, pairs_of(curves), ("a", "b"))

    assert (found["step"] - found["steps_since_growth"]).groupby(found["trial"]).unique().to_dict() == {
        0: [100],
        1: [50],
    }


def test_of_two_growths_a_control_counts_from_the_earlier() -> None:
    curves = curves_of({(0, "a", 0): 150, (0, "b", 0): 50, (0, "never", 0): np.nan})

    found = on_growth_axis(curves, pairs_of(curves), ARMS)

    starts = (found["step"] - found["steps_since_growth"]).groupby(found["arm"], observed=True).first().to_dict()
    assert starts == {"a": 150, "b": 50, "never": 50}


@pytest.mark.parametrize(
    "growths",
    [
        {(0, "a", 0): 100.0, (0, "never", 0): np.nan},
        {(0, "a", 0): np.nan, (0, "b", 0): np.nan, (0, "never", 0): 50.0},
        {(0, "never", 0): np.nan},
    ],
    ids=["one arm is missing", "neither arm grew", "both arms are missing"],
)
def test_without_two_arms_and_a_growth_there_is_no_axis(growths: dict[Key, float]) -> None:
    curves = curves_of(growths)

    assert len(on_growth_axis(curves, pairs_of(curves), ARMS)) == 0


def test_only_pairs_that_are_compared_are_shown() -> None:
    curves = curves_of({(trial, arm, 0): 100.0 for trial in (0, 1) for arm in "ab"})

    found = on_growth_axis(curves, pd.DataFrame({"trial": [1], "seed": [0]}), ARMS)

    assert set(found["trial"]) == {1}


def test_no_curves_stay_no_curves() -> None:
    empty = curves_of({(0, "a", 0): 100.0}).iloc[:0]

    assert len(on_growth_axis(empty, pairs_of(empty), ARMS)) == 0


def test_what_is_on_the_axis_can_be_set_at_equal_steps() -> None:
    curves = curves_of({(0, "a", 0): 100, (0, "b", 0): 100, (0, "never", 0): np.nan})

    points = aligned(on_growth_axis(curves, pairs_of(curves), ARMS), NAME, 25)

    by_arm = points.groupby("arm")["value"].apply(list).to_dict()
    assert by_arm["never"] == by_arm["a"] == [0, 25, 50, 75, 100, 100, 125, 150, 175, 200]
