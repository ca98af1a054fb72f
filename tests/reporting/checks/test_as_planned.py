import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.reporting.checks.as_planned import departures
from harness.reporting.data.collect import collect
from harness.reporting.data.study_data import StudyData
from harness.reporting.publication.report_folder import read_report
from harness.reporting.publication.source_files import read_data
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace

MakeHome = Callable[..., Path]
PUBLISHED = sorted(path.parent for path in (Path(harness.__file__).parents[1] / "reports").glob("*/manifest.json"))


def changed(data: StudyData, place: int, change: Callable[[dict[str, Any]], None]) -> StudyData:
    configs = data.runs["config"].tolist()
    config = json.loads(configs[place])
    change(config)
    configs[place] = json.dumps(config)
    return replace(data, runs=data.runs.assign(config=configs))


@pytest.mark.parametrize("report", PUBLISHED, ids=lambda path: path.name)
def test_every_run_of_a_real_study_follows_from_its_plan(report: Path) -> None:
    assert departures(read_data(read_report(report))) == {}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda config: config["training"].update(steps=601), "training.steps"),
        (lambda config: config["training"]["optimizer"].update(learning_rate=0.1), "training.optimizer.learning_rate"),
        (lambda config: config.update(seed=99), "seed"),
        (lambda config: config.update(extra=1), "extra"),
        (lambda config: config["growth"]["freeze"].pop("kind"), "growth.freeze.kind"),
        (lambda config: config["growth"]["trigger"].update(step=1), "growth.trigger.step"),
        (lambda config: config["growth"].update(freeze={"kind": "freeze_all"}), "growth.freeze.kind"),
        (lambda config: config["losses"]["distillation"].update(weight=-1.0), "losses.distillation.weight"),
    ],
)
def test_a_run_that_does_not_is_named_with_the_field(
    finished_home: Path, change: Callable[[dict[str, Any]], None], where: str
) -> None:
    data = changed(collect(Workspace(finished_home), "freeze-or-not"), 7, change)

    assert departures(data) == {data.runs["run_id"][7]: where}


def test_a_leaf_may_hold_its_defaults_and_stand_for_its_name(finished_home: Path) -> None:
    def fill(config: dict[str, Any]) -> None:
        config["growth"]["freeze"]["frozen_norm"] = "eval"
        config["growth"]["operation"]["init"] = {"kind": config["growth"]["operation"]["init"], "std": 0.02}

    assert departures(changed(collect(Workspace(finished_home), "freeze-or-not"), 0, fill)) == {}


def test_a_field_that_came_after_a_run_was_trained_is_no_departure(finished_home: Path) -> None:
    data = collect(Workspace(finished_home), "freeze-or-not")

    assert departures(changed(data, 0, lambda config: config.pop("precision"))) == {}


def test_another_leaf_than_the_searched_one_is_noticed(finished_home: Path) -> None:
    data = changed(
        collect(Workspace(finished_home), "freeze-or-not"),
        0,
        lambda config: config["growth"]["operation"].update(init={"kind": "x"}),
    )

    assert list(departures(data).values()) == ["growth.operation.init"]


def test_lists_are_compared_element_by_element(make_home: MakeHome) -> None:
    arms = {"frozen": {"growth.operation": [{"kind": "a"}, {"kind": "b"}]}, "unfrozen": {"growth.freeze": [1, 2]}}
    data = collect(Workspace(make_home(trials=1, seeds=1, arms=arms)), "freeze-or-not")

    def shorten(config: dict[str, Any]) -> None:
        config["growth"]["operation"] = config["growth"]["operation"][:1]

    def replace_second(config: dict[str, Any]) -> None:
        config["growth"]["operation"][1]["kind"] = "c"

    assert departures(data) == {}
    assert list(departures(changed(data, 0, shorten)).values()) == ["growth.operation"]
    assert list(departures(changed(data, 0, replace_second)).values()) == ["growth.operation.1.kind"]


def test_a_plan_that_cannot_be_laid_over_the_base_run_is_a_departure(finished_home: Path) -> None:
    data = collect(Workspace(finished_home), "freeze-or-not")
    spec = {**data.study.spec, "arms": {arm: {"nowhere.at.all": 1} for arm in data.arms}}

    found = departures(replace(data, study=replace(data.study, spec=StudySpec(spec))))

    assert set(found.values()) == {"nowhere.at.all"}
    assert len(found) == len(data.runs)
