import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.reporting.analysis.equal_cost import at_costs
from harness.reporting.analysis.pairing import compare
from harness.reporting.data.collect import collect
from harness.reporting.data.growth_axis import on_growth_axis
from harness.reporting.data.measures import measure_of
from harness.reporting.data.study_data import StudyData
from harness.reporting.exhibits import exhibits_of
from harness.reporting.figures._base import Exhibit
from harness.reporting.figures.stability_exhibits import stability_exhibit
from harness.reporting.importance.drivers import drivers
from harness.staging.ledger import Ledger
from harness.staging.study_spec import StudySpec

METRIC = "test/accuracy/all"
MakeHome = Callable[..., Path]
ALL = {
    *("paired_differences", "pairs", "effect_map", "kept_and_learned", "cost", "learning_curves", "stability_gap"),
    *("all_of_training", "loss_components", "course_of_runs", "best_so_far", "equal_compute"),
}


def exhibits_in(home: Path) -> dict[str, Exhibit]:
    return exhibits_from(collect(home, "freeze-or-not"))


def exhibits_from(data: StudyData) -> dict[str, Exhibit]:
    comparison = compare(data.runs, "unfrozen", "frozen", METRIC)
    curves = on_growth_axis(data.curves, comparison.pairs, data.arms)
    measure = measure_of(METRIC)
    driving, spent = drivers(data, comparison, measure), at_costs(data, measure)
    return exhibits_of(data, curves, comparison, measure, 0.005, driving, spent)


@pytest.fixture(scope="module")
def shown(finished_home: Path) -> dict[str, Exhibit]:
    return exhibits_in(finished_home)


def test_every_figure_is_there_with_picture_drawing_data_and_words(shown: dict[str, Exhibit]) -> None:
    assert set(shown) == ALL
    for name, exhibit in shown.items():
        assert exhibit.name == name
        assert exhibit.png.startswith(b"\x89PNG")
        assert b"<svg" in exhibit.svg
        assert len(exhibit.data) > 0
        assert exhibit.title
        assert re.search(r"\d|all classes|frozen", exhibit.alt)


def test_captions_say_how_many_configurations(shown: dict[str, Exhibit]) -> None:
    assert all("6 configurations" in shown[name].caption for name in ("pairs", "effect_map", "cost", "all_of_training"))


def test_pairs_have_the_difference_of_the_verdict(shown: dict[str, Exhibit]) -> None:
    pairs, differences = shown["pairs"].data, shown["paired_differences"].data.set_index("trial")["difference"]

    assert (pairs["first"] - pairs["second"]).to_numpy() == pytest.approx(differences[pairs["trial"]].to_numpy())
    kept = 100 * differences.var() / (pairs["first"].var() + pairs["second"].var())
    assert f"pairing leaves {kept:.0f} % of the variance" in shown["pairs"].caption


def test_the_stability_gap_starts_at_nothing_and_frozen_falls_less(shown: dict[str, Exhibit]) -> None:
    data = shown["stability_gap"].data
    means = data[data["shown"] == "mean"]

    last_before = means[~means["grown"]].sort_values("offset").groupby("arm")["value"].last()
    lowest: dict[Any, float] = means[means["grown"]].groupby("arm")["value"].min().to_dict()
    assert last_before.abs().max() < 1e-9
    assert lowest["unfrozen"] < lowest["frozen"] < 0
    assert means["offset"].max() <= 20 * 25


def test_updates_that_are_evaluated_one_by_one_have_a_panel_of_their_own(
    make_home: MakeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.reporting.figures.stability_exhibits.finest_interval", lambda *_: (1, 50))

    shown = exhibits_in(make_home(trials=5, seeds=1))["stability_gap"]

    assert "evaluated after every update up to update 50 (left), and then after every 25 updates" in shown.caption


def test_the_stability_gap_is_looked_for_in_a_window_around_the_growth(
    finished_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.reporting.figures.stability_exhibits.AFTER", 4)
    data = collect(finished_home, "freeze-or-not")
    comparison = compare(data.runs, "unfrozen", "frozen", METRIC)

    exhibit = stability_exhibit(on_growth_axis(data.curves, comparison.pairs, data.arms), comparison, 25, data.arms)

    assert exhibit is not None
    assert (exhibit.data["offset"].min(), exhibit.data["offset"].max()) == (-3 * 25, 4 * 25)


def test_cost_has_a_mean_with_its_interval_for_every_arm(shown: dict[str, Exhibit]) -> None:
    data = shown["cost"].data
    means = data[data["shown"] == "mean"]

    costs = dict(zip(means["arm"], means["cost"].tolist(), strict=True))
    assert costs["unfrozen"] > costs["frozen"]
    assert (means["low"] < means["value"]).all()
    assert (means["value"] < means["high"]).all()


def test_a_third_arm_stands_beside_the_two_in_cost_and_over_training(make_home: MakeHome) -> None:
    arms = {"frozen": {}, "unfrozen": {"a": 1}, "partly": {"a": 2}}

    shown = exhibits_in(make_home(trials=5, seeds=1, arms=arms))

    assert set(shown["cost"].data["arm"]) == set(shown["all_of_training"].data["arm"]) == set(arms)


def test_an_arm_that_never_grew_stands_beside_the_two_around_the_growth(make_home: MakeHome) -> None:
    home = make_home(trials=5, seeds=1, arms={"frozen": {}, "unfrozen": {"a": 1}, "never": {"a": 2}}, never=("never",))

    shown = exhibits_in(home)

    for name in ("learning_curves", "stability_gap", "loss_components"):
        data = shown[name].data
        assert set(data.loc[data["shown"] == "mean", "arm"]) == {"frozen", "unfrozen", "never"}, name
    assert "never grew (never)" in shown["learning_curves"].caption


def test_a_control_that_is_the_same_run_in_many_configurations_counts_in_each(make_home: MakeHome) -> None:
    arms = {"frozen": {}, "unfrozen": {"a": 1}, "never": {"a": 2}}
    data = collect(make_home(trials=5, seeds=2, arms=arms, never=("never",), rich=True), "freeze-or-not")

    shown = exhibits_from(data), exhibits_from(with_one_id(data, "never"))

    assert [name for name in shown[0] if not shown[0][name].data.equals(shown[1][name].data)] == []
    assert "5 configurations" in shown[1]["all_of_training"].caption


def with_one_id(data: StudyData, arm: str) -> StudyData:
    """Return the data as if runs of `arm` had the same id in every configuration."""

    def renamed(frame: pd.DataFrame) -> pd.DataFrame:
        ids = frame["run_id"].astype("str").where(frame["arm"] != arm, frame["seed"].astype("str"))
        return frame.assign(run_id=ids.astype(frame["run_id"].dtype if frame is data.runs else "category"))

    return replace(data, runs=renamed(data.runs), curves=renamed(data.curves))


def test_with_twelve_configurations_it_is_shown_what_the_difference_depends_on(make_home: MakeHome) -> None:
    shown = exhibits_in(make_home(trials=12, seeds=1))["importance"]

    assert set(shown.data["name"]) == {"when", "where", "width", "init", "loss weight"}
    assert "12 configurations" in shown.caption
    assert re.search(r"Above it: |No field stands above it", shown.caption)


def test_the_best_so_far_is_that_of_each_arm_alone(shown: dict[str, Exhibit]) -> None:
    data = shown["best_so_far"].data
    tried = data[data["shown"] == "as tried"]

    assert tried.groupby("arm")["configurations"].apply(list).tolist() == [[1, 2, 3, 4, 5, 6]] * 2
    assert data[data["shown"] == "expected"].groupby("arm")["configurations"].max().tolist() == [3, 3]
    assert tried["seconds"].groupby(tried["arm"]).is_monotonic_increasing.all()


def test_a_sampler_that_looks_at_results_has_no_other_order(make_home: MakeHome) -> None:
    home = make_home(trials=5, seeds=1)
    ledger = Ledger(home)
    (study,) = ledger.studies()
    ledger.save_study(replace(study, spec=StudySpec({**study.spec, "sampler": {"kind": "tpe"}})))

    shown = exhibits_in(home)["best_so_far"]

    assert set(shown.data["shown"]) == {"as tried"}
    assert "no other order" in shown.caption


def test_without_validation_nothing_can_be_chosen(make_home: MakeHome) -> None:
    home = make_home(trials=5, seeds=1)
    without(home, "val/accuracy/all")

    assert "best_so_far" not in exhibits_in(home)


@pytest.fixture(scope="module")
def rich(rich_home: Path) -> dict[str, Exhibit]:
    return exhibits_in(rich_home)


def test_what_a_study_records_beside_the_rest_has_its_figures(rich: dict[str, Exhibit]) -> None:
    more = {"loss_shares", "gradients", "drift", "classes", "preserved", "every_arm", "importance"}
    assert set(rich) == ALL | more


def means(exhibit: Exhibit, series: str, arm: str) -> pd.DataFrame:
    data = exhibit.data
    return data[(data["series"] == series) & (data["arm"] == arm)]


def test_shares_of_the_loss_add_up_at_every_step(rich: dict[str, Exhibit]) -> None:
    data = rich["loss_shares"].data

    sums = data.groupby(["arm", "grown", "offset"])["value"].sum()
    assert sums.to_numpy() == pytest.approx(100)
    late = means(rich["loss_shares"], "train/loss_weighted/late", "frozen")
    assert late["value"].to_numpy() == pytest.approx(100 * 2 / 3)
    assert "loss weight under unfrozen" in rich["loss_shares"].caption


def test_a_frozen_backbone_has_no_gradient_and_skipped_updates_are_shares(rich: dict[str, Exhibit]) -> None:
    shown = rich["gradients"]

    frozen = means(shown, "train/trunk_norm/known", "frozen")
    assert not frozen["grown"].any()
    skipped = means(shown, "train/skipped_steps", "unfrozen")["value"]
    assert skipped.mean() == pytest.approx(0.1, abs=0.02)
    assert "make an arm's budget smaller" in shown.caption
    assert (means(shown, "train/loss_scale", "frozen")["value"] == 1024).all()


def test_a_frozen_layer_has_not_drifted_at_all(rich: dict[str, Exhibit]) -> None:
    shown = rich["drift"]

    assert (means(shown, "drift/cka/output", "frozen")["value"] == 1).all()
    assert (means(shown, "drift/change/output", "frozen")["value"] == 0).all()
    assert means(shown, "drift/cka/output", "unfrozen")["value"].min() < 1
    assert (means(shown, "drift/probe/output", "unfrozen")["value"] == 0.75).all()
    assert "a ridge classifier, fitted to all others" in shown.caption


def test_classes_stand_by_what_they_were_and_what_was_taken_of_them(rich: dict[str, Exhibit]) -> None:
    rows = rich["classes"].data.set_index(["name", "arm"])

    assert rows[["before", "end", "taken"]].loc[[("3", "frozen")]].to_numpy()[0] == pytest.approx([90, 80, 4])
    assert rows["taken"].loc[[("7", "frozen")]].tolist() == pytest.approx([10])
    assert rows["before"].loc[[("7", "frozen")]].isna().all()
    assert rows["known"].groupby("name").all().sum() == 6


def test_growths_are_shown_once_by_how_new_parameters_began(rich: dict[str, Exhibit]) -> None:
    rows = rich["preserved"].data

    assert len(rows) == 12 * 2
    assert set(rows["begins"]) <= {"zeros", "kaiming", "copy"}
    assert rows["loss"].to_numpy() == pytest.approx(rows["logits"].to_numpy())


def test_too_few_configurations_make_no_map_and_no_intervals(make_home: MakeHome) -> None:
    shown = exhibits_in(make_home(trials=2, seeds=1))

    assert "effect_map" not in shown
    assert np.isnan(shown["cost"].data["low"]).all()
    assert "correlation" not in shown["pairs"].caption


def test_an_arm_that_never_completed_costs_only_its_own_place(make_home: MakeHome) -> None:
    arms = {"frozen": {}, "unfrozen": {"a": 1}, "partly": {"a": 2}}
    failed = tuple((trial, "partly", 0) for trial in range(5))

    shown = exhibits_in(make_home(trials=5, seeds=1, arms=arms, failed=failed))

    assert set(shown["cost"].data["arm"]) == {"frozen", "unfrozen"}


def test_without_histories_there_are_no_curves(make_home: MakeHome) -> None:
    home = make_home(trials=6, seeds=1)
    for path in (home / "store").rglob("*.safetensors"):
        path.unlink()

    gone = {"learning_curves", "stability_gap", "all_of_training", "loss_components", "equal_compute"}
    assert set(exhibits_in(home)) == ALL - gone


def test_without_seconds_there_is_no_cost(make_home: MakeHome) -> None:
    home = make_home(trials=5, seeds=1)
    without(home, "cost/seconds")

    shown = exhibits_in(home)
    assert "cost" not in shown
    assert shown["best_so_far"].data["seconds"].isna().all()


def without(home: Path, metric: str) -> None:
    """Take a metric from every run of a home."""
    ledger = Ledger(home)
    for run in ledger.runs("freeze-or-not"):
        metrics = {name: value for name, value in run.metrics.items() if name != metric}
        ledger.save_run(replace(run, metrics=metrics))


@pytest.mark.parametrize("where", [(1, 2, 3), ("one", "two"), ({"kind": "a"}, {"kind": "b"}, None)])
def test_numbers_words_and_leaves_all_have_their_place_on_the_map(
    make_home: MakeHome, where: tuple[object, ...]
) -> None:
    shown = exhibits_in(make_home(trials=11, seeds=1, where=where))

    assert set(shown["effect_map"].data.columns) == {"trial", "when", "where", "difference"}


def test_arms_are_set_side_by_side_over_the_configurations_that_all_completed(make_home: MakeHome) -> None:
    arms = {"frozen": {}, "unfrozen": {"a": 1}, "partly": {"a": 2}}

    shown = exhibits_in(make_home(trials=5, seeds=1, arms=arms, failed=((2, "partly", 0),)))

    points = shown["cost"].data.dropna(subset="trial")
    assert points.groupby("arm")["trial"].apply(list).tolist() == [[0, 1, 3, 4]] * 3
    assert "4 configurations" in shown["all_of_training"].caption
