"""A real tiny study whose configurations differ in what they have, under every sampler."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.core.spec import with_changes
from harness.growth import AtStep, GrowthRule, InsertLayer, NoFreezing
from harness.growth.layers import MLPBlock
from harness.search.best import ended_configurations, exported, front_of
from harness.search.check import check_study
from harness.search.conditions import exists
from harness.search.objective import Objective
from harness.search.preview import preview_runs
from harness.search.samplers import CMAES, GP, NSGAII, TPE, AbstractSampler, Grid, QuasiRandom, Random
from harness.search.space import Choice, Float, Int, Present
from harness.search.study import Study
from harness.staging.ledger import Ledger, RunRecord, StudyRecord
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace
from harness.tracking.delivery.projector import Projector
from harness.tracking.memory import MemoryTracker

Launch = Callable[..., StudyRecord]
WIDTH = "growths.0.operation.width"
ADDED = Objective(metric="growth/parameters_added", direction="minimize")
SAMPLERS = [CMAES(), GP(startup=1), Grid(points=2), NSGAII(population=2), QuasiRandom(), Random(), TPE(startup=1)]
GIVEN = {"again": False, "tap": "hidden.0", "width": 6, "dropout": 0.2}
each = pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.kind)


@pytest.fixture
def growing(study: Study) -> Study:
    second = GrowthRule(
        trigger=AtStep(step=25),
        operation=InsertLayer(after="hidden.0", name="second", layer=MLPBlock(width=4)),
        freeze=NoFreezing(),
    )
    space = {
        "again": Present(field="growths.1"),
        "when again": Int(field="growths.1.trigger.step", low=22, high=24, when={"again": True}),
        "tap": Choice(field="growths.0.operation.tap", options=("hidden.0", "hidden.1")),
        "width": Int(field=WIDTH, low=4, high=8, when={"tap": "hidden.0"}),
        "top width": Int(field=WIDTH, low=1, high=2, when={"tap": "hidden.1"}),
        "dropout": Float(field="model.dropout", low=0.1, high=0.3, step=0.1),
    }
    base = with_changes(study.base.model_copy(update={"growths": (*study.base.growths, second)}), {"steps": 30})
    return with_changes(study, {"base": base, "space": space, "trials": 3})


def runs_in(home: Path) -> list[RunRecord]:
    return Ledger(home).runs("tiny")


@each
def test_every_sampler_leads_to_runs_that_have_what_exists_in_two_launches_as_in_one(
    growing: Study, sampler: AbstractSampler, run_study: Launch, tmp_path: Path
) -> None:
    objectives = (ADDED,) if sampler.weighs else ()
    searched = with_changes(growing, {"sampler": sampler, "objectives": objectives, "baselines": [GIVEN]})

    run_study(searched, trials=2)
    record = run_study(searched, trials=3)
    run_study(searched, home=tmp_path / "at-once")

    tracker, workspace = MemoryTracker(), Workspace(tmp_path / "home")
    assert not Projector(workspace, "tiny", lambda: tracker).finish()
    runs = runs_in(tmp_path / "home")
    assert [run.status for run in runs] == ["completed"] * 6
    assert runs[0].params == GIVEN
    for run in runs:
        assert list(run.params) == [name for name in searched.space if exists(searched.space, name, run.params)]
        assert len(run.growths) == 1 + run.params["again"]
        shown = tracker.runs["tiny", run.trial, run.arm, run.seed].params
        assert set(shown) & set(searched.space) == set(run.params)
        assert not any(key.startswith("growths.1") for key in shown if not run.params["again"])
        assert WIDTH not in shown
    configurations = ended_configurations(searched, record, runs)
    assert front_of(searched, configurations)
    assert "def study()" in exported(searched, configurations[0], record)
    at_once = runs_in(tmp_path / "at-once")
    assert [without_time(run) for run in runs] == [without_time(run) for run in at_once]


def without_time(run: RunRecord) -> RunRecord:
    return replace(run, metrics={name: value for name, value in run.metrics.items() if name != "cost/seconds"})


def test_every_corner_is_checked_with_what_it_needs(growing: Study, runner: Runner) -> None:
    check_study(growing, runner)


def test_a_preview_has_what_exists(growing: Study) -> None:
    for run in preview_runs(growing, None, None, None):
        assert len(run.config.growths) == 1 + run.params["again"]
        assert ("when again" in run.params) == run.params["again"]
