from collections.abc import Callable
from typing import Any

import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures._base import ReportFigure
from harness.reporting.figures.stability_gap import stability_gap_figure

StudyDataOf = Callable[..., StudyData]
NEVER = ("frozen", "unfrozen", "never")


@pytest.fixture(scope="module")
def shown(study_data: StudyDataOf) -> ReportFigure:
    return made(study_data(trials=6, seeds=2))


def made(data: StudyData) -> ReportFigure:
    figure = stability_gap_figure(ReportContext(data))
    assert figure is not None
    return figure


def test_the_stability_gap_starts_at_nothing_and_frozen_falls_less(shown: ReportFigure) -> None:
    means = shown.data[shown.data["shown"] == "mean"]

    last_before = means[~means["grown"]].sort_values("offset").groupby("arm")["value"].last()
    lowest: dict[Any, float] = means[means["grown"]].groupby("arm")["value"].min().to_dict()
    assert last_before.abs().max() < 1e-9
    assert lowest["unfrozen"] < lowest["frozen"] < 0
    assert means["offset"].max() <= 20 * 25


def test_updates_that_are_evaluated_one_by_one_have_a_panel_of_their_own(
    study_data: StudyDataOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.reporting.figures.stability_gap.finest_interval", lambda *_: (1, 50))

    caption = made(study_data(trials=5, seeds=1)).caption

    assert "evaluated after every update up to update 50 (left), and then after every 25 updates" in caption


def test_the_stability_gap_is_looked_for_in_a_window_around_the_growth(
    finished_data: StudyData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.reporting.figures.stability_gap.AFTER", 4)

    offsets = made(finished_data).data["offset"]

    assert (offsets.min(), offsets.max()) == (-3 * 25, 4 * 25)


def test_an_arm_that_never_grew_stands_beside_the_two(study_data: StudyDataOf) -> None:
    data = made(study_data(trials=5, seeds=1, arms=NEVER, never=("never",))).data

    assert set(data.loc[data["shown"] == "mean", "arm"]) == {"frozen", "unfrozen", "never"}
