from collections.abc import Callable

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables._base import ReportTable
from harness.reporting.tables.outcomes import outcomes_table

StudyDataOf = Callable[..., StudyData]


ARMS = ("frozen", "unfrozen", "partly")


def made(data: StudyData) -> ReportTable:
    table = outcomes_table(ReportContext(data))
    assert table is not None
    return table


def test_the_outcomes_hold_what_was_kept_learned_and_paid(finished_data: StudyData) -> None:
    assert made(finished_data).frame["metric"].tolist() == [
        "test/accuracy/all",
        "test/accuracy/late",
        "test/known_before_growth",
        "test/known_after_growth",
        "test/forgetting",
        "cost/seconds",
        "cost/steps",
        "growth/parameters_added",
    ]


def test_a_third_arm_is_listed(study_data: StudyDataOf) -> None:
    assert "partly, mean ± SD" in made(study_data(trials=5, seeds=1, arms=ARMS)).head


def test_where_runs_diverged_an_accuracy_stands_with_them_and_without(study_data: StudyDataOf) -> None:
    outcomes = made(study_data(trials=6, seeds=1, arms=ARMS, failed=((0, "unfrozen", 0), (1, "partly", 0))))

    frame = outcomes.frame[outcomes.frame["metric"] == "test/accuracy/all"]
    assert frame["runs"].tolist() == ["completed or diverged", "completed"]
    assert frame["configurations"].tolist() == [6, 5]
    assert frame["mean unfrozen"].iloc[0] < frame["mean unfrozen"].iloc[1]
    assert frame["mean partly"].iloc[0] < frame["mean partly"].iloc[1]
    assert outcomes.rows[0][0].endswith("diverged runs as guesses")
    assert "stand there twice" in outcomes.note
    assert set(outcomes.frame.loc[outcomes.frame["metric"] == "cost/seconds", "runs"]) == {"completed"}
