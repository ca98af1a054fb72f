"""The sentences around the numbers: what was estimated, how, with which reservations."""

from harness.reporting.measures import Measure
from harness.reporting.pairing import Account, Comparison
from harness.reporting.reservations import reservations
from harness.reporting.study_data import StudyData
from harness.reporting.verdict import Verdict
from harness.reporting.wording import count, listed

__all__ = ["caveats", "estimand", "limits", "method"]

FAIR = ("quasi_random", "random", "grid")  # samplers that look at no result


def estimand(comparison: Comparison, measure: Measure) -> str:
    """Say what the verdict estimates."""
    return (
        f"The mean, over configurations drawn from the searched space, of {measure.title} under {comparison.first} "
        f"minus that under {comparison.second}, at the end of training, where each configuration counts once, as the "
        f"mean over its seeds."
    )


def caveats(data: StudyData, comparison: Comparison, account: Account, verdict: Verdict) -> list[str]:
    """Say what the reader must know before believing the verdict."""
    found = []
    if account.unfinished:
        found.append(
            f"The study is not finished: {count(account.unfinished, 'planned run')} of {data.study.planned_runs:,} "
            f"{'has' if account.unfinished == 1 else 'have'} not ended."
        )
    if account.failed:
        by_arm = listed([f"{arm.failed} under {arm.arm}" for arm in account.arms if arm.failed])
        found.append(f"{count(account.failed, 'run')} failed ({by_arm}). {_counted(comparison)}")
    found += [*_proposed(data), *reservations(data.runs, comparison, data.measure(comparison.metric))]
    incomplete = account.pairs_planned - account.pairs_compared
    if incomplete:
        found.append(
            f"{account.pairs_compared:,} of {count(account.pairs_planned, 'planned pair')} of runs are compared; the "
            f"other {incomplete:,} lack a result under one arm or both."
        )
    if account.forks_shared < account.forks_checked:
        apart = account.forks_checked - account.forks_shared
        found.append(f"In {count(apart, 'pair')} the arms did not go on from the same stored state.")
    if comparison.sensitive:
        found.append("Sensitive to outliers: the mean and the Hodges-Lehmann estimate do not agree; see Sensitivity.")
    if verdict.kind == "practically equivalent" and comparison.mean.interval and comparison.mean.interval.excludes_zero:
        found.append("The interval excludes zero: there is a difference, but one too small to matter.")
    if data.lost:
        found.append(f"The curves of {count(len(data.lost), 'run')} are missing: their histories are not in the store.")
    return found


def _proposed(data: StudyData) -> list[str]:
    """Say who chose the configurations, if they are no fair sample of the searched space."""
    sampler = str(data.study.spec.get("sampler", {}).get("kind", ""))
    found = []
    if sampler and sampler not in FAIR:
        found.append(
            f"The configurations were proposed by {sampler}, which prefers good ones: mean and interval speak of "
            "these, not of the searched space."
        )
    if given := len(data.study.spec.get("baselines", ())):
        were = "was" if given == 1 else "were"
        found.append(f"{count(given, 'configuration')} of the comparison {were} given, not drawn.")
    return found


def _counted(comparison: Comparison) -> str:
    if comparison.failure_value is None:
        return "Failed runs are not in the comparison, which flatters an arm that fails more often."
    return "Those that diverged count as a guess, those that failed otherwise are not in the comparison."


def limits(data: StudyData, comparison: Comparison) -> list[str]:
    """Say what the comparison does not show, however clear the verdict is."""
    first, second = comparison.first, comparison.second
    return [
        "It speaks of this task, this network and this searched space, and of no other.",
        f"It compares the arms at equal configurations. It does not compare the best {first} with the best {second} "
        f"that a search for each alone would find.",
        "It compares at equal numbers of updates, not at equal cost; the outcomes below show what each arm cost.",
        "The interval takes the configurations as a random draw from the searched space.",
        f"Only the primary comparison{_declared(data)} was planned. All other differences in this report are "
        "exploratory.",
    ]


def _declared(data: StudyData) -> str:
    return ", with the declared secondary endpoints," if data.study.spec.get("secondary") else ""


def method(data: StudyData, account: Account) -> list[str]:
    """Say how the comparison was made, in the order in which it happens."""
    study = data.study
    found = [
        f"A configuration is one point of the searched space; {count(study.trials, 'configuration')} planned, each "
        f"under {listed(data.arms)}, each with {count(study.seeds, 'seed')}: {count(study.planned_runs, 'run')}.",
        "The arms of a configuration share the seed, and with it the initial values and the order of the data.",
    ]
    if account.forks_checked:
        found.append(
            f"Both arms go on from the same stored state at the growth: checked, and so in {account.forks_shared:,} of "
            f"{count(account.forks_checked, 'compared pair')}."
        )
    return [
        *found,
        "The verdict and the tables use the test split, measured at the end of a run; curves use the validation split, "
        "which triggers may look at.",
        "Configurations are the unit of inference: seeds are averaged first, since runs of one configuration are not "
        "independent evidence about the others.",
    ]
