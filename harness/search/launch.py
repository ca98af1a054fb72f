"""Launching a study: every configuration under every arm and seed, continuing where it was left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.core.errors import StudyChangedError
from harness.core.spec import flatten, with_changes
from harness.search.commit import commit_of
from harness.search.conclusion import Conclusion, delayed_if_unreachable
from harness.search.conditions import corner_points
from harness.search.observer import Observer
from harness.search.planned import PlannedRun
from harness.search.pruners import Rung
from harness.search.study import Study
from harness.search.trials import PlannedTrial, Trials, foreseen_trials
from harness.search.work import Ended, Work
from harness.staging.ledger import Ledger, StudyRecord
from harness.staging.plan import Plan, make_plan
from harness.staging.previous_specs import MUTABLE_FIELDS, save_previous_spec, spec_digest
from harness.staging.runner import Runner
from harness.staging.study_spec import StudySpec
from harness.tracking import AbstractTracker
from harness.tracking.delivery.project import project_study
from harness.tracking.live.feed import NOBODY, AbstractFeed

__all__ = ["Do", "check_study", "foreseen_runs", "launch"]

Do = Callable[[Sequence[PlannedRun], Plan, Callable[[Ended], None]], None]


def check_study(study: Study, runner: Runner) -> None:
    """Apply the growths of the base run, and of every value of the space on its own, to fresh networks.

    Raises:
        InputError: one cannot be applied, for example for an impossible tap.
    """
    arm = next(iter(study.arms))
    runner.check(study.base)
    for _, params in corner_points(study.space):
        runner.check(study.config(params, arm, seed=0))


def launch(
    study: Study,
    home: Path,
    *,
    runner: Runner,
    observer: Observer,
    tracker: AbstractTracker | None = None,
    feed: AbstractFeed = NOBODY,
    trials: int | None = None,
    seeds: int | None = None,
    file: Path | None = None,
    keep_bytes: int | None = None,
    do: Do | None = None,
) -> StudyRecord:
    """Do every run of `study` that has not ended yet.

    A study that was begun keeps its numbers of trials and seeds unless greater ones are given.

    Args:
        study: what to run.
        home: where Optuna's database is, unless there is one database for everything.
        runner: whose store and ledger are used.
        observer: told what happens.
        tracker: shown every run as it ends, by this process; `feed` is for one that watches from another.
        feed: hears what runs measure while they train, if they are done here.
        trials: configurations.
        seeds: runs of each configuration and arm.
        file: where `study` was loaded from.
        keep_bytes: of snapshots in the store; beyond it the least valuable are given up as runs end.
        do: does the runs, given their plan; by default one after the other in this process.

    Raises:
        StudyChangedError: a study of that name was begun in this home with another spec.
        InterruptedRunError: this process was asked to stop.
    """
    ledger, store = runner.store.ledger, runner.store.root
    study.check_sizes(trials or study.trials, seeds or study.seeds)
    record = begin(
        ledger, study, trials, seeds, file=file, store="" if store == home / "store" else str(store.absolute())
    )
    if tracker:
        with delayed_if_unreachable():
            project_study(ledger, store, tracker, study.name)
    conclusion = Conclusion(study, runner.store, tracker, observer, keep_bytes)
    wave = _Wave(study, record.seeds, runner, conclusion, do or _alone(runner, observer, feed, commit_of(record.file)))
    observer.planned(record.planned_runs, len(conclusion.ended))
    plan = spec_digest(study.to_json())
    planned = Trials(study, home, ledger, conclusion.ended, trials=record.trials, seeds=record.seeds)
    for together in planned.waves():
        wave.finish([trial.under(plan) for trial in together])
    return record


def _alone(runner: Runner, observer: Observer, feed: AbstractFeed, commit: str) -> Do:
    """Return what does the runs one after the other in this process."""

    def do(runs: Sequence[PlannedRun], plan: Plan, settle: Callable[[Ended], None]) -> None:
        Work(runner, plan.forks, observer, runner.stop, feed, commit).do(runs, settle)

    return do


@dataclass(frozen=True)
class _Wave:
    """Brings trials that are done at the same time to their ends, from rung to rung if there is a pruner."""

    study: Study
    seeds: int
    runner: Runner
    conclusion: Conclusion
    do: Do

    def finish(self, trials: Sequence[PlannedTrial]) -> None:
        self.conclusion.expect(trials)
        unfinished = [trial for trial in trials if self.conclusion.missing(trial.runs)]
        rungs = self.study.rungs(self.seeds)
        self._train([run for trial in (self._alive(unfinished, rungs) if rungs else unfinished) for run in trial.runs])

    def _alive(self, trials: Sequence[PlannedTrial], rungs: Sequence[Rung]) -> list[PlannedTrial]:
        """Return the trials that are not given up at any rung."""
        alive = self.conclusion.kept(trials, (), self.seeds)  # a launch before may have given some up
        for count, rung in enumerate(rungs, start=1):
            self._train([run for trial in alive for run in trial.upto(rung)])
            alive = self.conclusion.kept(alive, rungs[:count], self.seeds)
        return alive

    def _train(self, runs: Sequence[PlannedRun]) -> None:
        if missing := self.conclusion.missing(runs):
            configs = [with_changes(run.config, {"steps": run.until}) if run.until else run.config for run in missing]
            plan = make_plan(configs, self.runner.store, alone=self.runner.alone)
            self.do(missing, plan, self.conclusion.settle)


def foreseen_runs(study: Study, ledger: Ledger | None, trials: int | None, seeds: int | None) -> list[PlannedRun]:
    """Return the runs that `launch` would do, without beginning the study.

    A sampler that learns is asked as if no trial had ended: their number is right, their values are examples.

    Raises:
        StudyChangedError: a study of that name was begun with another spec.
    """
    before = ledger.study(study.name) if ledger else None
    if before:
        _check_unchanged(before.spec, study.to_json())
    planned = before or study
    count = max(planned.trials, trials or 0) if before else trials or study.trials
    each = max(planned.seeds, seeds or 0) if before else seeds or study.seeds
    study.check_sizes(count, each)
    return [run for trial in foreseen_trials(study, trials=count, seeds=each) for run in trial.runs]


def begin(
    ledger: Ledger,
    study: Study,
    trials: int | None,
    seeds: int | None,
    *,
    file: Path | None = None,
    store: str = "",
) -> StudyRecord:
    """Enter the study into the ledger, or find that it is there already, perhaps with more trials or seeds to run.

    Raises:
        StudyChangedError: a study of that name was begun with another spec.
    """
    spec, place = StudySpec(study.to_json()), str(file.absolute()) if file else ""
    first = StudyRecord(study.name, spec, trials or study.trials, seeds or study.seeds, place, store)
    before = ledger.enter_study(first)  # two launches may begin it at the same moment
    _check_unchanged(before.spec, spec)
    if (trials or 0) > before.trials or (seeds or 0) > before.seeds:
        _check_not_confirmed(study, before, ledger)
    record = replace(
        before,
        spec=spec,
        trials=max(before.trials, trials or 0),
        seeds=max(before.seeds, seeds or 0),
        file=place or before.file,
        store=store,
    )
    if spec_digest(spec) != spec_digest(before.spec):  # they mean the same, as was just checked
        save_previous_spec(ledger.database, study.name, before.spec)
    if record != before:
        ledger.save_study(record)
    return record


def _check_unchanged(before: dict[str, Any], now: dict[str, Any]) -> None:
    old, new = flatten(_as_read_now(before)), flatten(now)
    different = [path for path in {**old, **new} if old.get(path) != new.get(path)]
    different = [path for path in different if path not in MUTABLE_FIELDS]
    if different:
        changes = [f"{path} was {old.get(path)!r} and is {new.get(path)!r}" for path in different[:3]]
        more = f" and {len(different) - 3} more" if len(different) > 3 else ""
        raise StudyChangedError(
            f"the study {now['name']!r} was begun with another spec: {'; '.join(changes)}{more}. "
            "Run it under another name with --as NAME, or in another home with --home"
        )


def _check_not_confirmed(study: Study, record: StudyRecord, ledger: Ledger) -> None:
    if study.design.confirms and ledger.test_set_accesses(study.name):
        raise StudyChangedError(
            f"the study {study.name!r} has searched {record.trials} configurations with {record.seeds} seeds, and test "
            "data were opened for its winners: a search that goes on has seen them. Begin another with --as NAME"
        )


def _as_read_now(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a recorded spec with the defaults of fields that came since; as it is, if it cannot be read any more."""
    try:
        return Study.model_validate(spec).to_json()
    except ValidationError:
        return spec
