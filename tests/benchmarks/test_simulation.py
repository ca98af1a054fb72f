import numpy as np
import pytest

from harness.benchmarks.simulation import ARMS, GUESS, SimulatedCurves, SimulatedStudy
from harness.reporting.data.missing_results import results_of


def test_a_study_has_every_run_once() -> None:
    runs = SimulatedStudy(7, 3).draw(np.random.default_rng(0))

    assert len(runs.drop_duplicates(["trial", "arm", "seed"])) == len(runs) == 7 * 3 * 2
    assert set(runs["arm"]) == set(ARMS)


@pytest.mark.parametrize("collapse", [(0.0, 0.0), (0.1, 0.1), (0.2, 0.0)])
def test_the_estimand_is_what_the_arms_differ_by_in_the_long_run(collapse: tuple[float, float]) -> None:
    study = SimulatedStudy(20_000, 1, effect=0.03, collapse=collapse)
    runs = study.draw(np.random.default_rng(0))
    values = results_of(runs, "test/accuracy/0", GUESS)

    first, second = (values[(runs["arm"] == arm).to_numpy()] for arm in ARMS)

    assert first.mean() - second.mean() == pytest.approx(
        study.estimand, abs=4 * np.std(first - second) / np.sqrt(20_000)
    )
    assert np.mean(runs["status"] == "failed") == pytest.approx(np.mean(collapse), abs=0.01)


def test_metrics_share_half_of_their_noise() -> None:
    runs = SimulatedStudy(20_000, 1, between=0.0, metrics=2).draw(np.random.default_rng(0))
    wide = runs.pivot_table(index="trial", columns="arm", values=["test/accuracy/0", "test/accuracy/1"])
    differences = [wide[metric][ARMS[0]] - wide[metric][ARMS[1]] for metric in ("test/accuracy/0", "test/accuracy/1")]

    assert np.corrcoef(*differences)[0, 1] == pytest.approx(0.5, abs=0.02)


def test_curves_differ_by_their_estimand_and_keep_most_of_the_point_before() -> None:
    study = SimulatedCurves(20_000, points=5)
    points = study.draw(np.random.default_rng(0))
    wide = points.pivot_table(index="trial", columns=["arm", "offset"], values="value")

    gain = (wide[ARMS[0]] - wide[ARMS[1]]).to_numpy()

    assert gain.mean(axis=0) == pytest.approx(study.estimand, abs=4 * study.between / np.sqrt(20_000))
    assert gain.std(axis=0) == pytest.approx(study.between, rel=0.02)
    assert np.corrcoef(gain[:, 2], gain[:, 3])[0, 1] == pytest.approx(study.memory, abs=0.01)
    assert points["grown"].all()
