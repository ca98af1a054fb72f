"""`harness plan`: what a study will train, before anything is trained."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options
from harness.cli.portable import Portable
from harness.cli.sizes import bytes_in_words, seconds_in_words
from harness.cli.studies import load_changed
from harness.reporting.data.wording import count

if TYPE_CHECKING:
    from rich.tree import Tree

    from harness.search.run_request import RunRequest
    from harness.search.study import Study
    from harness.staging.estimate import StepCost
    from harness.staging.plan import Plan, PlannedStage
    from harness.staging.runner import Runner

__all__ = ["plan"]


def plan(
    study: options.StudyName,
    trials: options.Trials = None,
    seeds: options.Seeds = None,
    share: options.Share = True,
    every: Annotated[bool, typer.Option("--every", help="Show every stage, not only how many there are.")] = False,
    device: options.Device = None,
    precision: options.Precision = None,
    set_: options.SetFields = None,
    as_: options.Name = None,
    home: options.Home = Path("runs"),
    store: options.StoreFolder = None,
    storage: options.Storage = None,
    portable: Portable = False,  # noqa: ARG001  # applied before torch was loaded
) -> None:
    """Show the tree of stages that a study comes to, what of it is stored, and what the rest will cost."""
    from rich.console import Console

    from harness.search.check import check_study
    from harness.search.preview import preview_runs
    from harness.staging.plan import make_plan
    from harness.staging.runner import Runner
    from harness.training.determinism import make_deterministic

    loaded, _ = load_changed(study, fields=set_, device=device, precision=precision, other_name=as_)
    make_deterministic()
    workspace = options.open_workspace(home, storage, store)
    runner = Runner(workspace, alone=not share)
    for note in check_study(loaded, runner):
        typer.echo(f"harness: {note}", err=True)
    begun = workspace.ledger.exists
    runs = preview_runs(loaded, workspace.ledger if begun else None, trials, seeds)
    stored = workspace.store if begun else None
    stages = make_plan([run.config for run in runs], stored, alone=not share, data_digest=runner.data_digest)
    console = Console(highlight=False)
    console.print(_tree(loaded, stages, runs, every=every))
    for line in [
        *_summary(stages, _cost(stages, loaded, runner, stored=begun)),
        *_layouts(loaded, runs, alone=not share),
    ]:
        console.print(line, markup=False, soft_wrap=True)


def _layouts(study: "Study", runs: Sequence["RunRequest"], *, alone: bool) -> Iterable[str]:
    """Say how many distinct steps the study comes to under each layout of seeds, if its arms are paired."""
    from harness.core.seed_layout import LAYOUTS
    from harness.core.spec import with_changes
    from harness.search.designs import Paired
    from harness.search.preview import preview_runs
    from harness.staging.plan import make_plan

    trials = len({run.trial for run in runs})
    if not isinstance(study.design, Paired) or trials < 2:
        return
    for layout in LAYOUTS:
        other = with_changes(study, {"design": Paired(seeds=layout)})
        same = preview_runs(other, None, trials, len(runs) // (trials * len(study.arms)))
        steps = make_plan([run.config for run in same], None, alone=alone).distinct_steps
        mark = "  (this study)" if layout == study.design.seeds else ""
        yield f"{f'with {layout} seeds:':<24}{steps:,}{mark}"


def _cost(plan: "Plan", study: "Study", runner: "Runner", *, stored: bool) -> "StepCost":
    from harness.staging.estimate import measured_cost, stored_cost
    from harness.staging.in_words import in_words

    if known := stored_cost(plan, runner.store) if stored else None:
        return known
    with in_words("one of the first steps of the base run"):
        return measured_cost(study.base, runner.data(study.base))


def _tree(study: "Study", plan: "Plan", runs: Sequence["RunRequest"], *, every: bool) -> "Tree":
    from rich.tree import Tree

    root = Tree(f"{study.name}: {count(len(runs), 'run')} in {count(len(plan.stages), 'stage')}")
    for stage in plan.children():
        seed = runs[stage.runs[0]].seed
        branch = root.add(f"from step 0, seed {seed}: {_passage(stage)}")
        _grow_branch(branch, stage, plan, runs, every=every)
    return root


def _grow_branch(
    branch: "Tree", stage: "PlannedStage", plan: "Plan", runs: Sequence["RunRequest"], *, every: bool
) -> None:
    for step in sorted(stage.ends):
        after = [child for child in plan.children(stage.key) if child.start == step]
        if not after:
            continue
        fork = branch.add(f"growth after step {step}: {count(len(after), 'stage')} for {_runs(after)}")
        for child in after:
            if every or any(plan.children(child.key)):
                name = runs[child.runs[0]].name if len(child.runs) == 1 else f"{len(child.runs)} runs"
                _grow_branch(fork.add(f"{name}: {_passage(child)}"), child, plan, runs, every=every)


def _runs(stages: Iterable["PlannedStage"]) -> str:
    return count(sum(len(stage.runs) for stage in stages), "run")


def _passage(stage: "PlannedStage") -> str:
    last = max(stage.ends)
    until = f"until a step not known yet, {last} at the latest" if stage.open else f"to step {last}"
    missing = stage.steps_to_train
    stored = "stored" if not missing else f"{stage.steps - missing} of {stage.steps} steps stored"
    known = f", {stored}" if missing < stage.steps else ""
    return f"{_runs([stage])} {until}{known}"


def _summary(plan: "Plan", cost: "StepCost") -> Iterable[str]:
    missing = plan.distinct_steps - plan.stored_steps
    least = "at least " if any(stage.open for stage in plan.stages.values()) else ""
    yield f"steps, each run alone:  {plan.steps:,}"
    yield f"distinct steps:         {least}{plan.distinct_steps:,} ({plan.steps / plan.distinct_steps:.1f} times fewer)"
    yield f"in the store already:   {plan.stored_steps:,}"
    yield f"to be trained:          {least}{missing:,}"
    yield f"time, one worker:       {least}{seconds_in_words(cost.seconds(plan))}"
    yield f"disk, all stages:       {least}{bytes_in_words(cost.disk_bytes(plan))}"
