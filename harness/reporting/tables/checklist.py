"""The questions that conferences and guidelines ask of an experiment, answered from its own data.

The questions are those of the NeurIPS paper checklist, of Lindauer and Hutter's practices for searching (arXiv
1909.02453), and of REFORMS (arXiv 2308.07832), each put shortly. What no data can answer is left to the author.
"""

from collections.abc import Iterator

from harness.reporting.analysis.budgets import budgets_of
from harness.reporting.analysis.pairing import Account, Comparison
from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count, listed, number
from harness.reporting.tables._base import ReportTable, table_of_words
from harness.reporting.text.recipe import may_stop_early

__all__ = ["AUTHOR", "checklist_table"]

AUTHOR = "the author must answer"
NEURIPS, SEARCH, REFORMS = "NeurIPS", "searching (NAS)", "REFORMS"
Row = tuple[str, str, str, str]


def checklist_table(context: ReportContext) -> ReportTable | None:
    """Return every question with its answer and the section that shows it."""
    data, comparison, account = context.data, context.comparison, context.account
    rows = [*_neurips(data, comparison), *_searching(data, comparison, account), *_reforms(data)]
    unanswered = sum(answer == AUTHOR for _, _, answer, _ in rows)
    note = f"{unanswered} of {len(rows)} questions cannot be answered from the data of a study."
    columns = ("list", "question", "answer", "section")
    return table_of_words("checklist", "Questions that are asked of an experiment", columns, rows, note=note)


def _neurips(data: StudyData, comparison: Comparison) -> Iterator[Row]:
    interval = comparison.mean.interval
    bars = (
        f"Yes: t intervals over {count(comparison.mean.units, 'configuration')}, after averaging over seeds."
        if interval
        else "No: there are too few configurations for an interval."
    )
    yield NEURIPS, "Are limitations stated?", "Yes.", "Verdict"
    yield NEURIPS, "Are all settings given that are needed to understand the results?", "Yes: every field.", "Design"
    yield NEURIPS, "Are results given with error bars, and is it said of what?", bars, "The primary comparison"
    yield NEURIPS, "Is the compute of each run given?", _seconds(data), "Secondary endpoints and cost; Every run"
    yield NEURIPS, "On which hardware?", AUTHOR, ""
    yield NEURIPS, "Can the results be reproduced?", "Yes: one script, and a check of every run.", "How to repeat it"
    yield NEURIPS, "Are licenses of data and code respected and named?", AUTHOR, ""
    yield NEURIPS, "Which impact beyond research is to be expected?", AUTHOR, ""


def _searching(data: StudyData, comparison: Comparison, account: Account) -> Iterator[Row]:
    sampler = data.study.spec.sampler.kind
    seeds = f"Yes, {count(data.study.seeds, 'seed')} a configuration; {account.failed:,} failed runs are counted."
    controls = listed(data.arms[2:])
    yield SEARCH, "Is the searched space given?", f"Yes: {count(len(data.labels), 'field')}.", "Design"
    yield SEARCH, "Is the way of searching given?", f"Yes: {sampler}." if sampler else "No.", "Design"
    yield (
        SEARCH,
        "Are all arms trained with the same pipeline?",
        "Yes: arms differ in the fields listed.",
        "The question",
    )
    yield (
        SEARCH,
        "Is there a comparison with simple controls?",
        f"Yes: {controls}." if controls else "No.",
        "The primary comparison",
    )
    yield (
        SEARCH,
        "Are results repeated with several seeds, and all runs reported?",
        seeds,
        "What became of the planned runs; Every run",
    )
    yield (
        SEARCH,
        "Are the budgets of the arms equal?",
        f"{_equal(data, comparison)} Seconds are given for each arm.",
        "Secondary endpoints and cost",
    )


def _reforms(data: StudyData) -> Iterator[Row]:
    task, secondary = data.study.spec.task, data.study.spec.secondary
    planned = f"Yes, with {count(len(secondary), 'secondary endpoint')}." if secondary else "Yes, and no others."
    yield REFORMS, "What is the question?", data.study.spec.question, "The question"
    yield REFORMS, "Was the primary endpoint declared before the first run?", planned, "The question"
    yield REFORMS, "Which data are used?", str(task.get("kind", "not recorded")), "Design"
    yield REFORMS, "Are training and test data kept apart?", "Yes: test data are seen when a stage has ended.", "Design"
    yield REFORMS, "Do the data stand for what the claim is about?", AUTHOR, ""
    yield REFORMS, "To what do the results extend?", "To this task, network and searched space.", "Verdict"


def _equal(data: StudyData, comparison: Comparison) -> str:
    if may_stop_early(data):
        return "No: early stopping ends runs."
    found = budgets_of(data.runs, comparison)
    equal = found.equal if found else "updates"
    return f"In {equal}." if equal else "No: the report says how many updates each arm made."


def _seconds(data: StudyData) -> str:
    if "cost/seconds" not in data.metrics:
        return "Not recorded."
    found = data.runs["cost/seconds"].dropna()
    whole = f"{number(float(found.sum()), 0)} s over {count(len(found), 'run')}"
    return f"Yes: {whole}; what arms share is counted for each."
