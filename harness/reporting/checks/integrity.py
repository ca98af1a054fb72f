"""All badges of a report, and their table: conditions of a fair comparison, each checked against the report's data."""

from harness.reporting.analysis.pairing import Account, Comparison
from harness.reporting.checks.as_planned import departures
from harness.reporting.checks.badge import Badge, every, not_checked, passed_unless
from harness.reporting.checks.fairness import equal_budget, same_order, same_start
from harness.reporting.checks.recorded import frozen_means_frozen, opened_once, reproduced, spec_unchanged
from harness.reporting.checks.registered import registered
from harness.reporting.data.columns import RUN
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count
from harness.staging.previous_specs import spec_digest

__all__ = ["integrity_of"]

TUNED = "Each arm was tuned on its own, so that its runs grow where its own search chose."


def integrity_of(data: StudyData, comparison: Comparison, account: Account) -> tuple[Badge, ...]:
    """Return every badge, those of the comparison first."""
    whole = data.searched or data
    return (
        same_start(account) if not data.searched else not_checked("same start", TUNED),
        same_order(data.runs, comparison),
        equal_budget(data.runs, comparison),
        frozen_means_frozen(data.runs),
        _seeds_disjoint(data),
        opened_once(data.runs),
        spec_unchanged(whole.runs, whole.study.spec, list(map(spec_digest, whole.earlier))),
        _as_planned(data),
        _accounted(data, account),
        reproduced(whole.runs),
        *([registered(whole)] if whole.ledger else []),  # reports of earlier versions say nothing of it
    )


def _seeds_disjoint(data: StudyData) -> Badge:
    """Check that no configuration was chosen by the seeds that it is compared on, and that no seed counts twice."""
    name = "seeds disjoint"
    twice = int(data.runs.duplicated(RUN).sum())
    if twice:
        return Badge(name, "FAIL", f"{count(twice, 'run')} of a trial and arm repeat a seed.")
    if data.searched:
        chosen = data.searched.runs.loc[~data.searched.runs["run_id"].isin(data.runs["run_id"]), "seed"]
        return passed_unless(
            name,
            shared := len(set(chosen) & set(data.runs["seed"])),
            passed="No seed of the runs that are compared was seen by a search.",
            failed=f"{count(shared, 'seed')} of the runs that are compared chose configurations, too.",
        )
    sampler = data.study.spec.sampler
    if not sampler.kind:
        return not_checked(name, "Who proposed the configurations was not recorded.")
    proposed = f"Configurations were proposed by {sampler.kind}"
    if not sampler.fair:
        return Badge(name, "FAIL", f"{proposed}, from results of the seeds compared here.")
    several = data.runs.groupby("seed")["trial"].nunique()
    shared = int((several > 1).sum())
    if shared and data.study.spec.design.seeds == "own":
        return Badge(name, "FAIL", f"{count(shared, 'seed')} of one configuration are seeds of another, too.")
    apart = "which the interval allows for" if shared else "none of which two configurations have"
    seeds = count(len(several), "seed")
    return Badge(name, "PASS", f"{proposed}, which looks at no result of any seed. There are {seeds}, {apart}.")


def _as_planned(data: StudyData) -> Badge:
    """Check that every run is the base run with its searched values, arm and seed, and nothing else changed."""
    name, total = "runs as planned", len(data.runs)
    if not total:
        return not_checked(name, "No run has ended.")
    apart = departures(data.searched or data)
    example = next((f": {path} of the run {run}" for run, path in apart.items()), "")
    return passed_unless(
        name,
        len(apart),
        passed=f"The configurations of {every(total, 'run')} follow from base run, searched values, arm and seed.",
        failed=f"{len(apart):,} of {count(total, 'configuration')} do not follow from the study{example}.",
    )


def _accounted(data: StudyData, account: Account) -> Badge:
    planned, ended = data.study.planned_runs, len(data.runs)
    completed = sum(arm.completed for arm in account.arms)
    said = f"Of {count(planned, 'planned run')}, {completed:,} completed and {account.failed:,} failed"
    said += f", and {account.pruned:,} were given up" if account.pruned else ""
    return passed_unless(
        "all runs accounted for",
        int(bool(account.unfinished) or ended != planned),
        passed=f"{said}.",
        failed=f"{said}; {account.unfinished:,} have not ended, and {max(ended - planned, 0):,} were not planned.",
    )
