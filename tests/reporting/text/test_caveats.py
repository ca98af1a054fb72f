from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.core.seed_layout import seeds_of
from harness.reporting.analysis.pairing import compare
from harness.reporting.context import ReportContext
from harness.reporting.data.ledger_account import LedgerAccount
from harness.reporting.data.measures import measure_of
from harness.reporting.data.study_data import StudyData
from harness.reporting.text.caveats import caveats, caveats_of_comparison
from harness.staging.registration import Registration

METRIC = "test/accuracy/all"


def runs_of(configurations: int = 8, seeds: int = 2) -> pd.DataFrame:
    stream, arms = np.random.default_rng(0), ("unfrozen", "frozen")
    seeds_by_trial = {trial: seeds_of("own", trial, seeds) for trial in range(configurations)}
    rows = [(trial, arm, seed) for trial, own in seeds_by_trial.items() for arm in arms for seed in own]
    frame = pd.DataFrame(rows, columns=["trial", "arm", "seed"])
    plain: dict[str, Any] = {"status": "completed", "reason": "", METRIC: 0.8 + 0.01 * stream.normal(size=len(rows))}
    plain |= {"param/when": frame["trial"] * 10, "cost/steps": 600.0}
    return frame.assign(**plain)


def found_in(runs: pd.DataFrame, failure_value: float | None = None) -> list[str]:
    return caveats_of_comparison(
        runs, compare(runs, "unfrozen", "frozen", METRIC, failure_value=failure_value), measure_of(METRIC)
    )


def test_a_clean_study_has_none() -> None:
    assert found_in(runs_of()) == []


def test_differences_without_any_spread_are_suspicious() -> None:
    (sentence,) = found_in(runs_of().assign(**{METRIC: 0.8}))

    assert "the same difference, to the last digit" in sentence


def test_one_seed_cannot_tell_noise_from_configurations() -> None:
    (sentence,) = found_in(runs_of(seeds=1))

    assert sentence.startswith("Every configuration has one seed")


def test_unequal_numbers_of_seeds_are_said() -> None:
    (sentence,) = found_in(runs_of(seeds=3).iloc[1:])

    assert sentence.startswith("Configurations have between 2 and 3 seeds.")


@pytest.mark.parametrize(("points", "words"), [(7, "1 configuration repeats"), (5, "3 configurations repeat")])
def test_configurations_that_were_drawn_twice_are_counted(points: int, words: str) -> None:
    runs = runs_of()

    of_seeds, sentence = found_in(runs.assign(**{"param/when": runs["trial"] % points}))

    assert of_seeds.startswith("Configurations have between 2 and 4 seeds.")
    assert sentence.startswith(words)


def test_arms_that_trained_for_unequal_times_are_named_with_both() -> None:
    runs = runs_of()

    (sentence,) = found_in(runs.assign(**{"cost/steps": np.where(runs["arm"] == "frozen", 600.0, 1200.0)}))

    assert "1,200 updates under unfrozen, 600 under frozen" in sentence


def test_diverged_runs_that_count_are_said_with_their_value() -> None:
    runs = runs_of()
    ended: dict[str, Any] = {"status": "failed", "reason": "diverged: total is nan", METRIC: np.nan}
    for column, value in ended.items():
        runs.loc[0, column] = value

    (sentence,) = found_in(runs, failure_value=0.1)

    assert sentence.startswith("1 pair holds a run that diverged and counts as 10.00 %.")


def test_nothing_compared_has_nothing_to_say() -> None:
    assert found_in(runs_of().assign(status="running")) == []
    assert found_in(runs_of().drop(columns=["param/when", "cost/steps"])) == []


def caveats_in(data: StudyData) -> list[str]:
    context = ReportContext(data)
    return caveats(context.data, context.comparison, context.account, context.verdict)


def test_a_half_finished_study_says_so(study_data: Callable[..., StudyData]) -> None:
    missing = tuple((trial, arm, 1) for trial in range(3, 6) for arm in ("frozen", "unfrozen"))
    data = study_data(trials=6, seeds=2, missing=(*missing, (0, "frozen", 0)))

    sentences = caveats_in(data)

    assert "The study is not finished: 7 planned runs of 24 have not ended." in sentences
    assert any("8 of 12 planned pairs of runs are compared; the other 4 lack a result" in one for one in sentences)
    assert "over 6 configurations with 1 to 2 seeds each" in ReportContext(data).verdict.sentence


def test_configurations_that_are_no_fair_sample_are_named(study_data: Callable[..., StudyData]) -> None:
    data = study_data(trials=5, seeds=1)
    data.study.spec.update({"sampler": {"kind": "tpe"}, "baselines": [{}]})

    sentences = caveats_in(data)

    assert any("The configurations were proposed by tpe, which prefers good ones" in one for one in sentences)
    assert "1 configuration of the comparison was given, not drawn." in sentences


def test_runs_of_several_codes_are_told(study_data: Callable[..., StudyData]) -> None:
    data = study_data(trials=6, seeds=2)
    mixed = ReportContext(replace(data, ledger=LedgerAccount("", changed_code=("net", "task"))))

    said = " ".join(caveats(mixed.data, mixed.comparison, mixed.account, mixed.verdict))

    assert "The code of net and task changed when some runs had completed" in said


@pytest.mark.parametrize(("trials", "said"), [(5, True), (6, False)])
def test_a_study_that_went_on_after_what_was_registered_says_so(
    finished_data: StudyData, trials: int, said: bool
) -> None:
    registration = Registration({"trials": trials, "seeds": 2}, 0.0)
    data = replace(finished_data, ledger=LedgerAccount("", registration=registration))
    context = ReportContext(data)

    found = caveats(data, context.comparison, context.account, context.verdict)

    sentence = "5 configurations with 2 seeds were registered, and the study went on to 6 configurations with 2 seeds."
    assert any(caveat.startswith(sentence) for caveat in found) == said


def test_a_mean_that_the_middle_half_does_not_bear_out_is_named(
    study_data: Callable[..., StudyData],
) -> None:
    context = ReportContext(study_data(trials=12, seeds=1))
    doubtful = context.comparison.configurations.assign(difference=[0.01, -0.01] * 6)
    sentences = {
        name: caveats(context.data, found, context.account, context.verdict)
        for name, found in (
            ("sure", context.comparison),
            ("doubtful", replace(context.comparison, configurations=doubtful)),
        )
    }

    said = {name: any("The interquartile mean's 95 %" in one for one in found) for name, found in sentences.items()}

    assert said == {"sure": False, "doubtful": True}
