"""The sentences around the numbers: what was estimated, how, and what it does not show."""

from harness.core.digest import digest
from harness.core.seed_layout import POOL
from harness.reporting.analysis.budgets import budgets_of
from harness.reporting.analysis.pairing import Account, Comparison
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count, listed, listed_in_part, setting
from harness.reporting.text.pairs import said_of_pairs
from harness.reporting.text.recipe import may_stop_early

__all__ = ["estimand", "limits", "words_of"]

STEPS, SECONDS = "cost/steps", "cost/seconds"


def estimand(data: StudyData, comparison: Comparison, measure: Measure) -> str:
    """Say what the verdict estimates."""
    if data.searched:
        return (
            f"The mean, over independent searches of {count(data.searched.study.trials, 'trial')} for each arm, of "
            f"{measure.title} of the best configuration found under {comparison.first} minus that of the best found "
            f"under {comparison.second}, each trained with seeds that no search has seen, where each search counts "
            f"once, as the mean over its seeds."
        )
    over = "configurations drawn from the searched space, and over seeds" if data.study.spec.space else "seeds"
    return (
        f"The mean, over {over}, of {measure.title} under {comparison.first} minus that under {comparison.second}, at "
        f"the end of training, on the one test set that there is. {_weights(data, comparison)}"
    )


def _weights(data: StudyData, comparison: Comparison) -> str:
    """Say what counts how often, and which seeds there were."""
    layout = comparison.mean.layout
    if not data.study.spec.space:
        return "The network and its training are those of the one configuration."
    which = f"of {count(layout.seeds, 'seed')} that configurations share" if layout else "of seeds that no other has"
    return f"Each configuration counts once, as the mean over its runs, each {which}."


def limits(data: StudyData, comparison: Comparison) -> list[str]:
    """Say what the comparison does not show, however clear the verdict is."""
    return [
        f"It speaks of this task, this network{' and this searched space' if data.study.spec.space else ''}, and of no "
        "other.",
        *(_limits_of_searches(data.searched) if data.searched else _limits_of_pairs(data, comparison)),
        f"It compares {_where_runs_end(data, comparison)}; what each arm cost stands beside its results.",
        f"Only the primary comparison{_declared(data)} was planned. All other differences in this report are "
        "exploratory.",
    ]


def _where_runs_end(data: StudyData, comparison: Comparison) -> str:
    if may_stop_early(data):
        return "where early stopping or the last update ends a run, not at equal cost"
    found = budgets_of(data.runs, comparison)
    equal = found.equal if found else "updates"
    if equal == "operations":
        return "at equal numbers of operations, not of updates"
    return f"at {'equal' if equal else 'different'} numbers of updates, not at equal cost"


def _limits_of_pairs(data: StudyData, comparison: Comparison) -> list[str]:
    if not data.study.spec.space:
        return []
    drawn = " and their seeds as drawn from all seeds" if comparison.mean.layout else ""
    return [
        f"It compares the arms at equal configurations. It does not compare the best {comparison.first} with the best "
        f"{comparison.second} that a search for each alone would find.",
        f"The interval takes the configurations as a random draw from the searched space{drawn}.",
    ]


def _limits_of_searches(whole: StudyData) -> list[str]:
    return [
        f"It compares what {count(whole.study.trials, 'trial')} with this sampler find. More trials, or a better "
        "search, may find something else.",
        "It does not compare the arms at equal configurations.",
    ]


def _declared(data: StudyData) -> str:
    return ", with the declared secondary endpoints," if data.study.spec.secondary else ""


def words_of(data: StudyData, comparison: Comparison, account: Account, measure: Measure) -> dict[str, list[str]]:
    """Return the sentences that open the sections, by the sections' anchors."""
    return {
        "question": _question(data, comparison, measure),
        "design": _method(data, account, comparison),
        "primary": _robustness(comparison),
        "tuned": _tuned(data, comparison),
        "integrity": _integrity(data, account),
        "repeat": [
            "data/ holds all runs and curves as Parquet; harness render writes every table and every figure's data as "
            "CSV at full precision.",
            "harness verify writes everything anew from data/, study.json and environment.json, and compares it byte "
            "for byte; these commands are those of reproduce.sh:",
        ],
        "glossary": ["What this report does not show stands below its verdict."],
    }


def _question(data: StudyData, comparison: Comparison, measure: Measure) -> list[str]:
    spec = data.study.spec
    secondary = [data.measure(f"test/{metric}").title for metric in spec.secondary]
    found = [
        f"The primary endpoint is {measure.title}, at the end of training: {comparison.first} minus "
        f"{comparison.second}. {_smallest(measure, spec.smallest_effect)}",
        f"Secondary endpoints: {listed(secondary)}." if secondary else "No secondary endpoints were declared.",
    ]
    if others := data.arms[2:]:
        found.append(f"Beside the two, the study ran {listed_in_part(others)}; what is said of these is exploratory.")
    return [*found, f"SHA-256 of the study as it was begun, which study.json holds: {_digest(data)}."]


def _smallest(measure: Measure, smallest_effect: float) -> str:
    """Say which differences were declared not to matter, if any were."""
    if not smallest_effect:
        return "The study does not say how small a difference would not matter."
    return f"Differences below {measure.size(smallest_effect)} were declared not to matter."


def _digest(data: StudyData) -> str:
    return digest((data.searched or data).study.spec)


def _method(data: StudyData, account: Account, comparison: Comparison) -> list[str]:
    """Say how the comparison was made, in the order in which it happens."""
    study = data.study
    if data.searched:
        return _method_of_searches(data, data.searched)
    point = "one point of the searched space" if study.spec.space else "the base run, for nothing is searched"
    return [
        f"A configuration is {point}; {count(study.trials, 'configuration')} planned, each under "
        f"{listed_in_part(data.arms)}, each with {count(study.seeds, 'seed')}: {count(study.planned_runs, 'run')}.",
        *_layout(data),
        f"{said_of_pairs(data, account, comparison)}.",
        "The verdict and the tables use the test split, measured at the end of a run; curves use the validation split, "
        "which triggers may look at.",
        "Configurations are the unit of inference: seeds are averaged first, since runs of one configuration are not "
        "independent evidence about the others.",
        *_searching(data),
    ]


def _layout(data: StudyData) -> list[str]:
    """Say which seeds configurations have, where there are several."""
    if data.study.trials < 2:
        return []
    return {
        "own": ["Each configuration has seeds of its own, so that what a seed does averages out over configurations."],
        "pooled": [
            f"Each configuration takes its seeds from a pool of {POOL}. What a seed does to all that have it is "
            "estimated, and the interval allows for it."
        ],
        "crossed": [
            "All configurations have the same seeds. What a seed does to all of them alike does not average out: it is "
            "estimated (two-way random effects, Satterthwaite's degrees of freedom), and the interval allows for it."
        ],
    }[data.study.spec.design.seeds]


def _searching(data: StudyData) -> list[str]:
    """Say who proposed configurations and who may give them up, as far as that is recorded, and what was spent."""
    sampler, pruner, found = data.study.spec.sampler, data.study.spec.pruner, []
    if sampler:
        who = f"a pruner, {setting(pruner)}, could give them up early" if pruner else "no pruner gave any up early"
        found.append(f"Configurations were proposed by {setting(sampler)}, and {who}.")
    if {STEPS, SECONDS} <= set(data.runs.columns) and len(data.runs):
        steps, seconds = data.measure(STEPS), data.measure(SECONDS)
        found.append(
            f"All runs together made {steps.level(data.runs[STEPS].sum())} updates, in "
            f"{seconds.amount(data.runs[SECONDS].sum())} of training; what arms share is counted for each."
        )
    return found


def _method_of_searches(data: StudyData, whole: StudyData) -> list[str]:
    trials, seeds = count(whole.study.trials, "trial"), count(whole.study.seeds, "seed")
    return [
        f"Each of {listed_in_part(data.arms)} is tuned on its own, in {data.study.trials} searches of {trials} with "
        f"{seeds}, which see validation data alone: {count(whole.study.planned_runs, 'run')} with those that confirm.",
        f"The best configuration of each search is trained with {count(data.study.seeds, 'seed')} that no search has "
        "seen, and evaluated on test data once.",
        *_searching(whole),
        "Searches of the same number begin with the same proposals under all arms and use the same seeds.",
        "Replicates, a search for each arm, are the unit of inference; tables and figures call each a configuration, "
        "the one that was chosen.",
    ]


def _robustness(comparison: Comparison) -> list[str]:
    if not comparison.mean.units:
        return []
    positive = int((comparison.configurations["difference"] > 0).sum())
    return [
        f"The difference is positive in {positive} of {comparison.mean.units} {comparison.unit}s.",
        _of_ranks(comparison),
    ]


def _of_ranks(comparison: Comparison) -> str:
    """Say whether the mean's companion agrees with it, as far as that can be told."""
    if comparison.mean.interval is None or comparison.shift.interval is None:
        same = "the same sign as" if comparison.mean.mean * comparison.shift.shift > 0 else "another sign than"
        same = same if comparison.mean.mean * comparison.shift.shift else "no sign to compare with that of"
        return f"The Hodges-Lehmann estimate has {same} the mean; of so few {comparison.unit}s it has no interval."
    if comparison.sensitive:
        return "The mean and the Hodges-Lehmann estimate do not agree: a few configurations decide the answer."
    return "The mean and the Hodges-Lehmann estimate agree in sign and in whether their intervals exclude zero."


def _tuned(data: StudyData, comparison: Comparison) -> list[str]:
    if data.searched:
        return [
            "The verdict compares what each arm comes to when it is tuned on its own; this is what was spent on it."
        ]
    if not comparison.mean.units:
        return []
    return [
        "The verdict compares arms at equal configurations. What follows asks another question: how good is the best "
        "that a search under each arm would have chosen?"
    ]


def _integrity(data: StudyData, account: Account) -> list[str]:
    """Say what was checked, and what came out."""
    found = []
    if account.forks_checked:
        found.append(
            f"Same start: in {account.forks_shared:,} of {count(account.forks_checked, 'compared pair')} that grew, "
            f"both arms go on from the same stored state."
        )
    ended = sum(arm.completed + arm.failed + arm.pruned for arm in account.arms)
    found.append(
        f"All accounted for: of {count(data.study.planned_runs, 'planned run')}, {ended:,} have ended and are listed, "
        f"{account.failed:,} of them failed, {f'{account.pruned:,} were given up, ' if account.pruned else ''}"
        f"{account.unfinished:,} have not ended."
    )
    kept = len(data.runs) - len(data.lost)
    found.append(f"Histories: those of {kept:,} of {count(len(data.runs), 'run')} are here, with their digests.")
    return [*found, *_of_ledger(data)]


def _of_ledger(data: StudyData) -> list[str]:
    """Say what the ledger was when the report was written; nothing in reports that did not record it."""
    if data.ledger is None:
        return []
    without = data.ledger.without_digest
    saved = f", {without:,} of which were saved without one" if without else ""
    return [
        f"Ledger: SHA-256 over the digests of all records of runs{saved}: {data.ledger.root}.",
        f"The home holds {count(data.ledger.alike, 'study').replace('studys', 'studies')} of this task, this network "
        "and these arms, this one among them.",
    ]
