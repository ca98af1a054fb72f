from dataclasses import replace
from typing import Any

import pytest

from harness.core.errors import HarnessError
from harness.search.best import best_configuration, exported
from harness.search.study import Study
from harness.staging.ledger import RunRecord, StudyRecord


def record(study: Study, seeds: int = 1) -> StudyRecord:
    return StudyRecord(study.name, study.to_json(), study.trials, seeds)


def ended(trial: int, arm: str, value: float | None, seed: int = 0) -> RunRecord:
    metrics = {} if value is None else {"val/accuracy/all": value}
    status = "failed" if value is None else "completed"
    params = {"when": 10 * (trial + 1), "init": "orthogonal"}
    return RunRecord("tiny", trial, arm, seed, "0123", params, dict[str, Any](), status, metrics=metrics)


def test_the_mean_over_arms_and_seeds_decides_and_the_first_wins_a_tie(study: Study) -> None:
    values = {0: (0.5, 0.7), 1: (0.9, 0.1), 2: (0.7, 0.5)}
    runs = [ended(trial, arm, v) for trial, both in values.items() for arm, v in zip(study.arms, both, strict=True)]

    best = best_configuration(study, record(study), runs[::-1])

    assert (best.trial, best.value, dict(best.arms), best.failed) == (0, 0.6, {"frozen": 0.5, "unfrozen": 0.7}, 0)


def test_a_configuration_that_is_not_finished_does_not_count(study: Study) -> None:
    runs = [ended(0, "frozen", 0.5), ended(0, "unfrozen", 0.5), ended(1, "frozen", 0.9)]

    assert best_configuration(study, record(study), runs).trial == 0


def test_runs_that_failed_are_counted(study: Study) -> None:
    runs = [ended(0, "frozen", None), ended(0, "unfrozen", 0.5)]

    best = best_configuration(study, record(study), runs)

    assert (best.failed, dict(best.arms)) == (1, {"unfrozen": 0.5})


@pytest.mark.parametrize("values", [(), (0.5,), (None, None)])
def test_without_a_finished_configuration_there_is_none(study: Study, values: tuple[float | None, ...]) -> None:
    runs = [ended(0, arm, value) for arm, value in zip(study.arms, values, strict=False)]

    with pytest.raises(HarnessError, match="all of whose 2 runs have ended, one of them well"):
        best_configuration(study, record(study), runs)


def test_what_is_exported_has_one_configuration_and_the_seeds_that_were_run(study: Study) -> None:
    runs = [ended(1, arm, 0.5, seed) for arm in study.arms for seed in (0, 1)]
    begun = replace(record(study, seeds=2), file="studies/tiny/study.py")

    text = exported(study, best_configuration(study, begun, runs), begun)

    names: dict[str, Any] = {}
    exec(text, names)
    found = names["study"]()
    assert (found.name, found.trials, found.seeds, found.space) == ("tiny-best", 1, 2, {})
    for arm in study.arms:
        assert found.config({}, arm, 1) == study.config({"when": 20, "init": "orthogonal"}, arm, 1)
    assert "load_study" not in text
