from collections.abc import Callable

from harness.reporting.analysis.complete import complete_means
from harness.reporting.data.study_data import StudyData

METRIC = "test/accuracy/all"


def test_only_configurations_count_that_every_arm_completed(study_data: Callable[..., StudyData]) -> None:
    arms = ("frozen", "unfrozen", "never")
    data = study_data(trials=5, seeds=1, arms=arms, failed=((2, "never", 0),))

    means = complete_means(data, [METRIC])

    assert means.groupby("arm")["trial"].apply(list).to_dict() == {arm: [0, 1, 3, 4] for arm in arms}
