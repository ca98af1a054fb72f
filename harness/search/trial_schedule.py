"""The trials of a study: in which waves they are executed, and which runs belong to each."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import fmean

from harness.core.errors import HarnessError, StudyChangedError
from harness.search.designs import Part
from harness.search.proposals import Proposals
from harness.search.pruners import Rung
from harness.search.run_request import RunRequest, run_requests
from harness.search.study import Study
from harness.staging.ledger import RunKey, RunRecord
from harness.staging.workspace import Workspace

__all__ = ["TrialRuns", "TrialSchedule", "preview_trials"]


@dataclass(frozen=True)
class TrialRuns:
    """A configuration and its runs.

    Attributes:
        number: of the trial among `proposals`.
        proposals: which proposed the configuration; None for the runs of a confirmation.
    """

    runs: tuple[RunRequest, ...]
    number: int
    proposals: Proposals | None = None

    def up_to(self, rung: Rung) -> list[RunRequest]:
        """Return the runs that are compared at `rung`, to be trained no further; a confirmation has none."""
        if self.proposals is None:
            return []
        seeds = {self.seeds[position] for position in rung.seeds}
        return [replace(run, until=rung.until) for run in self.runs if run.seed in seeds]

    def with_spec(self, spec_digest: str) -> "TrialRuns":
        """Return the trial with runs that are requested under the study's spec of this digest."""
        return replace(self, runs=tuple(replace(run, spec_digest=spec_digest) for run in self.runs))

    @property
    def seeds(self) -> list[int]:
        """The seeds of its runs, in order."""
        return list(dict.fromkeys(run.seed for run in self.runs))


class TrialSchedule:
    """The trials of a study that was begun.

    Args:
        study: whose design lays them out.
        workspace: with the ledger and Optuna's database.
        ended: the runs that have ended, by key; read whenever a winner is looked for.
        trials: in each part of the design.
        seeds: of each configuration and arm.
    """

    def __init__(
        self, study: Study, workspace: Workspace, ended: Mapping[RunKey, RunRecord], *, trials: int, seeds: int
    ) -> None:
        self._study = study
        self._ledger = workspace.ledger
        self._ended = ended
        self._trials = trials
        self._seeds = seeds
        parts = study.design.parts(list(study.arms))
        self._parts = [(part, Proposals(study, workspace, part)) for part in parts]

    def waves(self) -> Iterator[list[TrialRuns]]:
        """Yield trials that can be executed at the same time; ask for the next wave when all of one have ended.

        Raises:
            HarnessError: a search has no winner to be confirmed.
            StudyChangedError: another launch enlarged the searches meanwhile, so that their winners are not known yet.
        """
        done = 0
        for count in range(1, self._trials + 1) if self._study.sequential else [self._trials]:
            yield [trial for part, proposals in self._parts for trial in self._of(part, proposals, done, count)]
            done = count
        if self._study.design.confirms:
            self._check_not_enlarged()
            yield _confirmation(self._study, self._winner, trials=self._trials, seeds=self._seeds)

    def _of(self, part: Part, proposals: Proposals, done: int, count: int) -> list[TrialRuns]:
        points = proposals.params(count)
        return [_trial_runs(self._study, part, n, points[n], self._seeds, proposals) for n in range(done, count)]

    def _check_not_enlarged(self) -> None:
        record = self._ledger.study(self._study.name)
        if record and (record.trials, record.seeds) != (self._trials, self._seeds):
            raise StudyChangedError(
                f"expected {self._trials} trials with {self._seeds} seeds in each search of {self._study.name!r}, "
                f"found that another launch made it {record.trials} with {record.seeds}; nothing is confirmed yet, and "
                f"harness run {self._study.name} joins it"
            )

    def _winner(self, part: Part) -> Mapping[str, object]:
        """Return the searched values of the part's best trial on validation data; the first of several."""
        sign = 1 if self._study.direction == "maximize" else -1
        metric = f"val/{self._study.metric}"
        best: tuple[float, int] | None = None
        for number in range(self._trials):
            runs = self._ended_of(part, number)
            values = [run.metrics[metric] for run in runs if run.status == "completed" and metric in run.metrics]
            pruned = any(run.status == "pruned" for run in runs)
            if values and not pruned and (best is None or sign * fmean(values) > best[0]):
                best = sign * fmean(values), number
        if best is None:
            raise HarnessError(
                f"expected a configuration of {self._study.name!r} that completed in the search {part.name!r}, found "
                f"none among {self._trials}; see harness show {self._study.name}"
            )
        return self._ended_of(part, best[1])[0].params

    def _ended_of(self, part: Part, number: int) -> list[RunRecord]:
        """Return the runs of a trial that have ended."""
        design = self._study.design
        trial, seeds = design.trial(part, number), design.seeds_of(part, number, self._seeds)
        keys = [(trial, arm, seed) for arm in part.arms for seed in seeds]
        return [self._ended[key] for key in keys if key in self._ended]


def preview_trials(study: Study, *, trials: int, seeds: int) -> list[TrialRuns]:
    """Return all trials as if none had ended.

    The values that a sampler which learns would propose, and those of winners, are then examples.
    """
    parts = study.design.parts(list(study.arms))
    searched = [
        _trial_runs(study, part, number, study.point(number, stream=part.stream), seeds)
        for number in range(trials)
        for part in parts
    ]
    if not study.design.confirms:
        return searched
    return searched + _confirmation(study, lambda part: study.point(0, stream=part.stream), trials=trials, seeds=seeds)


def _trial_runs(
    study: Study,
    part: Part,
    number: int,
    params: Mapping[str, object],
    seeds: int,
    proposals: Proposals | None = None,
) -> TrialRuns:
    design = study.design
    trial, own = design.trial(part, number), design.seeds_of(part, number, seeds)
    runs = run_requests(study, trial, params, arms=part.arms, seeds=own, test=not design.confirms)
    return TrialRuns(runs, number, proposals)


def _confirmation(
    study: Study, winner: Callable[[Part], Mapping[str, object]], *, trials: int, seeds: int
) -> list[TrialRuns]:
    """Return the runs of each part's winner with fresh seeds: the arms of a replicate share a trial's number."""
    return [
        TrialRuns(
            run_requests(
                study,
                study.design.trial(part, trials),
                winner(part),
                arms=part.arms,
                seeds=study.design.confirmation_seeds(part.replicate, seeds),
            ),
            trials,
        )
        for part in study.design.parts(list(study.arms))
    ]
