"""The runs that a launch would execute."""

from harness.search.begin_study import as_begun, check_unchanged
from harness.search.registration import as_registered
from harness.search.run_request import RunRequest
from harness.search.study import Study
from harness.search.trial_schedule import preview_trials
from harness.staging.ledger import Ledger

__all__ = ["preview_runs"]


def preview_runs(study: Study, ledger: Ledger | None, trials: int | None, seeds: int | None) -> list[RunRequest]:
    """Return the runs that `launch` would execute, ended or not, without beginning the study.

    A sampler that learns proposes as if no trial had ended: the number of runs is right, their values are examples.

    Raises:
        StudyChangedError: a study of that name was begun with another spec.
    """
    begun = ledger.study(study.name) if ledger else None
    study = as_registered(as_begun(study, begun), ledger)
    if begun:
        check_unchanged(begun.spec, study.to_json())
        count, each = max(begun.trials, trials or 0), max(begun.seeds, seeds or 0)
    else:
        count, each = trials or study.trials, seeds or study.seeds
    study.check_sizes(count, each)
    return [run for trial in preview_trials(study, trials=count, seeds=each) for run in trial.runs]
