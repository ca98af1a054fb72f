from collections.abc import Callable

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.learning_curves import learning_curves_figure
from harness.reporting.figures.loss_components import loss_components_figure

StudyDataOf = Callable[..., StudyData]
NEVER = ("frozen", "unfrozen", "never")


def test_an_arm_that_never_grew_stands_beside_the_two_around_the_growth(study_data: StudyDataOf) -> None:
    context = ReportContext(study_data(trials=5, seeds=1, arms=NEVER, never=("never",)))

    shown = learning_curves_figure(context), loss_components_figure(context)

    for figure in shown:
        assert figure is not None
        arms = figure.data.loc[figure.data["shown"] == "mean", "arm"]
        assert set(arms) == {"frozen", "unfrozen", "never"}
    assert shown[0] is not None
    assert "never grew (never)" in shown[0].caption
