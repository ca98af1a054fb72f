"""The Pareto front of a study with several objectives, as a table and as a figure."""

from collections.abc import Mapping
from typing import Any

from harness.reporting.analysis.pareto import Objective, Weighed, weighed
from harness.reporting.data.study_data import PARAM, StudyData
from harness.reporting.data.wording import count, listed, setting
from harness.reporting.figures._base import Exhibit, rendered
from harness.reporting.figures.pareto import NAMED, ParetoData, draw_pareto
from harness.reporting.tables._base import Table, table_of_numbers

__all__ = ["pareto_exhibits", "pareto_tables"]


def pareto_tables(data: StudyData) -> tuple[Table, ...]:
    """Return the table of the configurations on a front, or none for a study with one objective."""
    found = weighed(data)
    if found is None or not len(found.rows):
        return ()
    params = data.runs.drop_duplicates("trial").set_index("trial")[[PARAM + label for label in data.labels]]
    frame = found.rows.merge(params, left_on="trial", right_index=True)
    deciding = found.objectives[0]
    frame = frame.sort_values(
        ["front", deciding.seen.metric, "trial"],
        ascending=[False, deciding.direction == "minimize", True],
        ignore_index=True,
    )
    on_either = frame[frame["front"] | frame["test_front"]]
    rows = [_row(found, data.labels, record) for record in on_either.to_dict("records")]
    note = (
        f"Of {count(len(frame), 'configuration')} all of whose runs have ended, those that no other is as good as in "
        f"everything and better than in something; {_wanted(found)}. Means over arms and seeds. The search saw "
        "validation values: they chose, and flatter those that were chosen; test values do not."
    )
    left = 2 + len(data.labels)
    return (table_of_numbers("trade_offs", "The best trade-offs", rows, frame, left=left, note=note),)


def _row(found: Weighed, labels: list[str], record: Mapping[Any, Any]) -> dict[str, str]:
    fronts = [name for name, on in (("validation", record["front"]), ("test", record["test_front"])) if on]
    row = {"trial": str(record["trial"]), "on the front by": listed(fronts)}
    row |= {label: setting(record[PARAM + label]) for label in labels}
    for one in found.objectives:
        for split, measure in (("", one.seen),) if one.is_cost else (("validation ", one.seen), ("test ", one.test)):
            unit = f" ({measure.level_unit})" if measure.level_unit else ""
            row[f"{split}{measure.short}{unit}"] = measure.level(record[measure.metric])
    return row


def pareto_exhibits(data: StudyData) -> tuple[Exhibit, ...]:
    """Return the figure, or none for a study with one objective."""
    found = weighed(data)
    if found is None or not len(found.rows):
        return ()
    deciding, *others = found.objectives
    front = found.rows[found.rows["front"]]
    named = "all points" if len(found.rows) <= NAMED else "those on the front"
    across = listed([one.seen.title if one.is_cost else _without_split(one) for one in others])
    return (
        Exhibit(
            name="pareto",
            title="The best trade-offs",
            caption=(
                f"Each of {count(len(found.rows), 'configuration')} twice, mean over arms and seeds: filled as the "
                f"search saw it, on validation data, and hollow on test data; {named} bear the number of the trial. "
                f"{_without_split(deciding).capitalize()} against {across}. {count(len(front), 'configuration')} are "
                f"on the Pareto front of the validation values, drawn dark: {_wanted(found)}."
            ),
            alt=(
                f"On the front: {listed([_told(found, record) for record in front.head(6).to_dict('records')])}"
                f"{', and others' if len(front) > 6 else ''}."
            ),
            **rendered(lambda: draw_pareto(ParetoData(found.rows, deciding, others))),
            data=found.rows,
        ),
    )


def _told(found: Weighed, record: Mapping[Any, Any]) -> str:
    values = [one.seen.amount(record[one.seen.metric]) for one in found.objectives]
    return f"trial {record['trial']} with {' and '.join(values)}"


def _without_split(one: Objective) -> str:
    return one.seen.title.removeprefix("validation ")


def _wanted(found: Weighed) -> str:
    words = {"maximize": "high", "minimize": "low"}
    return f"better is {listed([f'{words[one.direction]} {_without_split(one)}' for one in found.objectives])}"
