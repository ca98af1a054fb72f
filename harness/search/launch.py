"""Launching a study: every configuration under every arm and seed, continuing where it was left."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.search.begin_study import as_begun, begin_study
from harness.search.commit import commit_of
from harness.search.execution import ExecuteRuns
from harness.search.local_executor import LocalExecutor
from harness.search.observer import Observer
from harness.search.pruners import Rung
from harness.search.registration import as_registered
from harness.search.run_request import RunRequest
from harness.search.study import Study
from harness.search.study_progress import StudyProgress
from harness.search.trial_schedule import TrialRuns, TrialSchedule
from harness.staging.code_digests import check_code
from harness.staging.ledger import Ledger, StudyRecord
from harness.staging.own_definitions import definitions_of
from harness.staging.plan import make_plan
from harness.staging.previous_specs import spec_digest
from harness.staging.registration import save_launch
from harness.staging.runner import Runner
from harness.tracking.live.feed import NO_FEED, AbstractFeed

__all__ = ["launch"]


def launch(
    study: Study,
    runner: Runner,
    observer: Observer,
    *,
    feed: AbstractFeed = NO_FEED,
    trials: int | None = None,
    seeds: int | None = None,
    file: Path | None = None,
    keep_bytes: int | None = None,
    execute: ExecuteRuns | None = None,
    changed_code: bool = False,
) -> StudyRecord:
    """Execute every run of `study` that has not ended yet.

    A study that was begun keeps its numbers of trials and seeds unless greater ones are given.

    Args:
        study: what to run.
        runner: trains in this process; its workspace has the ledger, the store and Optuna's database.
        observer: notified of what happens.
        feed: receives what runs measure while they train, if they are executed in this process.
        trials: configurations.
        seeds: runs of each configuration and arm.
        file: where `study` was loaded from.
        keep_bytes: of snapshots in the store; beyond it the least valuable are evicted as runs end.
        execute: executes the runs; by default one after the other in this process.
        changed_code: whether completed runs are kept that other code of the study's own classes has made.

    Raises:
        StudyChangedError: a study of that name was begun in this home with another spec, or runs completed with other
            code of its own classes.
        InterruptedRunError: this process was asked to stop.
    """
    workspace = runner.workspace
    study = as_registered(as_begun(study, workspace.ledger.study(study.name)), workspace.ledger)
    study.check_sizes(trials or study.trials, seeds or study.seeds)
    _check_code(study, workspace.ledger, accept=changed_code)
    elsewhere = "" if workspace.stages == workspace.home / "store" else str(workspace.stages.absolute())
    record = begin_study(workspace.ledger, study, trials, seeds, file=file, store=elsewhere)
    save_launch(workspace.ledger.database, study.name)
    progress = StudyProgress(study, workspace.store, observer, keep_bytes)
    local = LocalExecutor(runner, observer, stop=runner.stop, feed=feed, commit=commit_of(record.file))
    wave = _Wave(study, record.seeds, runner, progress, execute or local.execute)
    observer.on_launch(record.planned_runs, len(progress.ended))
    digest = spec_digest(study.to_json())
    schedule = TrialSchedule(study, workspace, progress.ended, trials=record.trials, seeds=record.seeds)
    for trials_of_wave in schedule.waves():
        wave.finish([trial.with_spec(digest) for trial in trials_of_wave])
    return record


def _check_code(study: Study, ledger: Ledger, *, accept: bool) -> None:
    completed = sum(run.status == "completed" for run in ledger.runs(study.name))
    check_code(ledger.database, study.name, definitions_of(study), completed=completed, accept=accept)


@dataclass(frozen=True)
class _Wave:
    """Brings trials that are executed at the same time to their ends, from rung to rung if there is a pruner."""

    study: Study
    seeds: int
    runner: Runner
    progress: StudyProgress
    execute: ExecuteRuns

    def finish(self, trials: Sequence[TrialRuns]) -> None:
        self.progress.begin_wave(trials)
        left = [trial for trial in trials if self.progress.unfinished(trial.runs)]
        if rungs := self.study.rungs(self.seeds):
            left = self._climb(left, rungs)
        self._train([run for trial in left for run in trial.runs])

    def _climb(self, trials: Sequence[TrialRuns], rungs: Sequence[Rung]) -> list[TrialRuns]:
        """Train the trials up to each rung in turn; return those that are not pruned at any."""
        alive = self.progress.not_pruned(trials, (), self.seeds)  # an earlier launch may have pruned some
        for count, rung in enumerate(rungs, start=1):
            self._train([run for trial in alive for run in trial.up_to(rung)])
            alive = self.progress.not_pruned(alive, rungs[:count], self.seeds)
        return alive

    def _train(self, runs: Sequence[RunRequest]) -> None:
        if left := self.progress.unfinished(runs):
            configs = [run.config.up_to(run.until) if run.until else run.config for run in left]
            plan = make_plan(configs, self.runner.store, alone=self.runner.alone, data_digest=self.runner.data_digest)
            self.execute(left, plan, self.progress.on_run_end)
