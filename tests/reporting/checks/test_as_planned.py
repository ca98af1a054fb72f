import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.reporting.checks.as_planned import departures
from harness.reporting.data.study_data import StudyData
from harness.reporting.publication.report_folder import read_report
from harness.reporting.publication.source_files import read_data
from harness.staging.study_spec import StudySpec

StudyDataOf = Callable[..., StudyData]
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
        (lambda config: config.update(steps=601), "steps"),
        (lambda config: config["training"]["optimizer"].update(lr=0.1), "training.optimizer.lr"),
        (lambda config: config.update(seed=99), "seed"),
        (lambda config: config.update(extra=1), "extra"),
        (lambda config: config["growths"][0]["freeze"].pop("kind"), "growths.0.freeze.kind"),
        (lambda config: config["growths"][0]["trigger"].update(step=1), "growths.0.trigger.step"),
        (lambda config: config["growths"][0].update(freeze={"kind": "freeze_all"}), "growths.0.freeze.kind"),
        (lambda config: config["training"]["losses"]["classes"].update(weight=-1.0), "training.losses.classes.weight"),
    ],
)
def test_a_run_that_does_not_is_named_with_the_field(
    finished_data: StudyData, change: Callable[[dict[str, Any]], None], where: str
) -> None:
    data = changed(finished_data, 7, change)

    assert departures(data) == {data.runs["run_id"][7]: where}


def test_a_leaf_may_hold_its_defaults_and_stand_for_its_name(finished_data: StudyData) -> None:
    def fill(config: dict[str, Any]) -> None:
        growth = config["growths"][0]
        growth["freeze"]["came_later"] = "eval"
        growth["operation"]["init"] |= {"gain": 0.02}

    assert departures(changed(finished_data, 0, fill)) == {}


def test_a_field_that_came_after_a_run_was_trained_is_no_departure(finished_data: StudyData) -> None:
    data = finished_data

    assert departures(changed(data, 0, lambda config: config.pop("precision"))) == {}


def test_another_leaf_than_the_searched_one_is_noticed(finished_data: StudyData) -> None:
    data = changed(
        finished_data,
        0,
        lambda config: config["growths"][0]["operation"].update(init={"kind": "x"}),
    )

    assert list(departures(data).values()) == ["growths.0.operation.init"]


def test_lists_are_compared_element_by_element(finished_data: StudyData) -> None:
    def shorten(config: dict[str, Any]) -> None:
        config["task"]["classes"]["late"] = config["task"]["classes"]["late"][:-1]

    def replace_second(config: dict[str, Any]) -> None:
        config["task"]["classes"]["late"][1] = 5

    assert departures(finished_data) == {}
    assert list(departures(changed(finished_data, 0, shorten)).values()) == ["task.classes.late"]
    assert list(departures(changed(finished_data, 0, replace_second)).values()) == ["task.classes.late.1"]


def test_a_plan_that_cannot_be_laid_over_the_base_run_is_a_departure(finished_data: StudyData) -> None:
    data = finished_data
    spec = {**data.study.spec, "arms": {arm: {"nowhere.at.all": 1} for arm in data.arms}}

    found = departures(replace(data, study=replace(data.study, spec=StudySpec(spec))))

    assert set(found.values()) == {"nowhere.at.all"}
    assert len(found) == len(data.runs)
