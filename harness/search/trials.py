"""The trials of a study: which are next, and which runs belong to them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from harness.core.errors import HarnessError, StudyChangedError
from harness.search.designs import Part
from harness.search.planned import PlannedRun, planned_runs
from harness.search.proposals import Proposals
from harness.search.pruners import Rung
from harness.search.study import Study
from harness.staging.ledger import Ledger, RunKey, RunRecord

__all__ = ["PlannedTrial", "Trials", "foreseen_trials"]


@dataclass(frozen=True)
class PlannedTrial:
    """A configuration and its runs.

    Attributes:
        proposals: whence the configuration came, there as trial `number`; None if these are runs that confirm.
    """

    runs: tuple[PlannedRun, ...]
    number: int
    proposals: Proposals | None = None

    def upto(self, rung: Rung) -> list[PlannedRun]:
        """Return the runs that are compared at `rung`, to be trained no further; none of those that confirm."""
        if self.proposals is None:
            return []
        seeds = {self.seeds[position] for position in rung.seeds}
        return [replace(run, until=rung.until) for run in self.runs if run.seed in seeds]

    def under(self, plan: str) -> "PlannedTrial":
        """Return the trial with runs that are begun under the plan of this digest."""
        return replace(self, runs=tuple(replace(run, plan=plan) for run in self.runs))

    @property
    def seeds(self) -> list[int]:
        """The seeds of its runs, in order."""
        return list(dict.fromkeys(run.seed for run in self.runs))


class Trials:
    """The trials of a study that was begun, with so many per part of its design, and so many seeds.

    Args:
        study: whose design says which they are.
        home: where Optuna's database is, unless there is one database for everything.
        ledger: of the study.
        ended: the runs that have ended, by key; asked anew whenever a winner is looked for.
    """

    def __init__(
        self, study: Study, home: Path, ledger: Ledger, ended: Mapping[RunKey, RunRecord], *, trials: int, seeds: int
    ) -> None:
        self._study = study
        self._ledger = ledger
        self._ended = ended
        self._trials = trials
        self._seeds = seeds
        parts = study.design.parts(list(study.arms), seeds)
        self._parts = [(part, Proposals(study, home, ledger, part)) for part in parts]

    def waves(self) -> Iterator[list[PlannedTrial]]:
        """Yield trials that can be done at the same time; those of a wave must have ended before the next is asked for.

        Raises:
            HarnessError: a search has no winner to be confirmed.
            StudyChangedError: another launch enlarged the searches meanwhile, so that their winners are not known yet.
        """
        done = 0
        for count in range(1, self._trials + 1) if self._study.in_turn else [self._trials]:
            yield [trial for part, proposals in self._parts for trial in self._of(part, proposals, done, count)]
            done = count
        if self._study.design.confirms:
            self._check_not_enlarged()
            yield _confirmation(self._study, self._winner, trials=self._trials, seeds=self._seeds)

    def _of(self, part: Part, proposals: Proposals, done: int, count: int) -> list[PlannedTrial]:
        points = proposals.params(count)
        return [_planned(self._study, part, n, points[n], proposals) for n in range(done, count)]

    def _check_not_enlarged(self) -> None:
        record = self._ledger.study(self._study.name)
        if record and (record.trials, record.seeds) != (self._trials, self._seeds):
            raise StudyChangedError(
                f"expected {self._trials} trials with {self._seeds} seeds in each search of {self._study.name!r}, "
                f"found that another launch made it {record.trials} with {record.seeds}; nothing is confirmed yet, and "
                f"harness run {self._study.name} joins it"
            )

    def _winner(self, part: Part) -> Mapping[str, object]:
        sign = 1 if self._study.direction == "maximize" else -1
        metric = f"val/{self._study.metric}"
        best: tuple[float, int] | None = None
        for number in range(self._trials):
            keys = [(self._study.design.trial(part, number), arm, seed) for arm in part.arms for seed in part.seeds]
            runs = [self._ended[key] for key in keys if key in self._ended]
            values = [run.metrics[metric] for run in runs if run.status == "completed" and metric in run.metrics]
            pruned = any(run.status == "pruned" for run in runs)
            if values and not pruned and (best is None or sign * fmean(values) > best[0]):
                best = sign * fmean(values), number
        if best is None:
            raise HarnessError(
                f"expected a configuration of {self._study.name!r} that completed in the search {part.name!r}, found "
                f"none among {self._trials}; see harness show {self._study.name}"
            )
        run = self._ended[self._study.design.trial(part, best[1]), part.arms[0], part.seeds[0]]
        return run.params


def foreseen_trials(study: Study, *, trials: int, seeds: int) -> list[PlannedTrial]:
    """Return all trials as if none had ended: of a sampler that learns and of winners the values are examples."""
    parts = study.design.parts(list(study.arms), seeds)
    found = [
        _planned(study, part, number, study.point(number, stream=part.stream))
        for number in range(trials)
        for part in parts
    ]
    if study.design.confirms:
        found += _confirmation(study, lambda part: study.point(0, stream=part.stream), trials=trials, seeds=seeds)
    return found


def _planned(
    study: Study, part: Part, number: int, params: Mapping[str, object], proposals: Proposals | None = None
) -> PlannedTrial:
    trial = study.design.trial(part, number)
    runs = planned_runs(study, trial, params, arms=part.arms, seeds=part.seeds, test=not study.design.confirms)
    return PlannedTrial(runs, number, proposals)


def _confirmation(
    study: Study, winner: Callable[[Part], Mapping[str, object]], *, trials: int, seeds: int
) -> list[PlannedTrial]:
    """Return the runs of each part's winner with fresh seeds: the arms of a replicate share a trial's number."""
    return [
        PlannedTrial(
            planned_runs(
                study,
                study.design.trial(part, trials),
                winner(part),
                arms=part.arms,
                seeds=study.design.confirmation_seeds(part.replicate, seeds),
            ),
            trials,
        )
        for part in study.design.parts(list(study.arms), seeds)
    ]
