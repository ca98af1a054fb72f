"""`harness run --dry-run`: what would be run."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.reporting.data.wording import count

if TYPE_CHECKING:
    from harness.search.run_request import RunRequest
    from harness.search.study import Study
    from harness.staging.runner import Runner

__all__ = ["dry_run"]

MOST_SEEDS = 10


def dry_run(study: "Study", runner: "Runner", trials: int | None, seeds: int | None) -> Iterator[str]:
    """Yield lines: each configuration with the number of its runs that have ended, and the steps left to train."""
    from harness.search.preview import preview_runs
    from harness.staging.plan import make_plan

    ledger = runner.workspace.ledger if runner.workspace.ledger.exists else None
    runs = preview_runs(study, ledger, trials, seeds)
    ended = ledger.run_keys(study.name) if ledger else frozenset()
    missing = [run for run in runs if run.key not in ended]
    store = runner.store if ledger else None
    plan = make_plan([run.config for run in missing], store, alone=runner.alone, data_digest=runner.data_digest)
    of_all = f"{len(missing)} of {count(len(runs), 'run')}"
    yield f"{study.name}: {of_all} would be done, in {count(len(plan.stages), 'stage')}"
    yield f"arms {', '.join(study.arms)}; seeds {_seeds(runs)}"
    for trial in sorted({run.trial for run in runs}):
        of_trial = [run for run in runs if run.trial == trial]
        yield f"trial {trial}: {_values(of_trial[0])}{_done(sum(run.key in ended for run in of_trial), len(of_trial))}"
    missing_steps = plan.distinct_steps - plan.stored_steps
    yield f"steps to train: {missing_steps:,}; each run alone: {plan.steps:,}. Nothing was written."


def _seeds(runs: "list[RunRequest]") -> str:
    """List the seeds; of many, those of the first configuration and of the last."""
    seeds = list(dict.fromkeys(run.seed for run in runs))
    if len(seeds) <= MOST_SEEDS:
        return ", ".join(map(str, sorted(seeds)))
    ends = ([run.seed for run in runs if run.trial == trial] for trial in (runs[0].trial, runs[-1].trial))
    first, last = (", ".join(map(str, dict.fromkeys(own))) for own in ends)
    return f"{first}; ...; {last}"


def _values(run: "RunRequest") -> str:
    values = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in run.params.items()}
    return ", ".join(f"{name} = {value}" for name, value in values.items()) or "the base run"


def _done(ended: int, total: int) -> str:
    return f" ({ended} of {count(total, 'run')} have ended)" if ended else ""
