import re
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.curve_frame import curve_frame
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures._base import ReportFigure
from harness.reporting.importance import permutation
from harness.reporting.sections import GLANCE, SECTIONS

StudyDataOf = Callable[..., StudyData]
ALWAYS = {
    *("paired_differences", "pairs", "effect_map", "kept_and_learned", "cost", "learning_curves", "stability_gap"),
    *("all_of_training", "loss_components", "course_of_runs", "best_so_far", "equal_compute", "every_configuration"),
}
SEEDS = {"by_seed"}  # where configurations have the same
NAMED = [*GLANCE, *(make for spec in SECTIONS for make in (*spec.shown, *spec.folded))]
MAKES = [make for make in NAMED if make.__name__.endswith("_figure")]


def figures_of(data: StudyData) -> dict[str, ReportFigure]:
    context = ReportContext(data)
    made = [make(context) for make in MAKES]
    return {figure.name: figure for figure in made if isinstance(figure, ReportFigure)}


@pytest.fixture(scope="module")
def shown(study_data: StudyDataOf) -> dict[str, ReportFigure]:
    return figures_of(study_data(trials=6, seeds=2, layout="crossed"))


def test_every_figure_is_there_with_picture_drawing_data_and_words(shown: dict[str, ReportFigure]) -> None:
    assert set(shown) == ALWAYS | SEEDS
    for name, figure in shown.items():
        assert figure.name == name
        assert figure.png.startswith(b"\x89PNG")
        assert b"<svg" in figure.svg
        assert len(figure.data) > 0
        assert figure.title
        assert re.search(r"\d|all classes|frozen", figure.alt)


def test_captions_say_how_many_configurations(shown: dict[str, ReportFigure]) -> None:
    assert all("6 configurations" in shown[name].caption for name in ("pairs", "effect_map", "cost", "all_of_training"))


def test_a_figure_is_called_as_the_function_that_makes_it_and_the_file_that_holds_that(
    shown: dict[str, ReportFigure],
) -> None:
    for make in MAKES:
        name = make.__name__.removesuffix("_figure")
        assert make.__module__ == f"harness.reporting.figures.{name}"
    assert set(shown) <= {make.__name__.removesuffix("_figure") for make in MAKES}


@pytest.mark.usefixtures("figures_undrawn")
def test_what_a_study_records_beside_the_rest_has_its_figures(
    rich_data: StudyData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permutation, "RESAMPLES", 2)
    monkeypatch.setattr(permutation, "SHUFFLES", 20)
    more = {"loss_shares", "gradients", "drift", "classes", "preserved", "every_arm", "importance"}

    assert set(figures_of(rich_data)) == ALWAYS | more


def test_without_histories_there_are_no_curves(study_data: StudyDataOf) -> None:
    data = study_data(trials=6, seeds=1)

    shown = figures_of(replace(data, curves=curve_frame([]), lost=tuple(data.runs["run_id"])))

    gone = {"learning_curves", "stability_gap", "all_of_training", "loss_components", "equal_compute"}
    assert set(shown) == ALWAYS - gone


@pytest.mark.usefixtures("figures_undrawn")
def test_a_control_that_is_the_same_run_in_many_configurations_counts_in_each(study_data: StudyDataOf) -> None:
    arms = ("frozen", "unfrozen", "never")
    data = study_data(trials=5, seeds=2, arms=arms, never=("never",), rich=True)

    shown = figures_of(data), figures_of(with_one_id(data, "never"))

    assert [name for name in shown[0] if not shown[0][name].data.equals(shown[1][name].data)] == []
    assert "5 configurations" in shown[1]["all_of_training"].caption


def with_one_id(data: StudyData, arm: str) -> StudyData:
    """Return the data as if runs of `arm` had the same id in every configuration."""

    def renamed(frame: pd.DataFrame) -> pd.DataFrame:
        ids = frame["run_id"].astype("str").where(frame["arm"] != arm, frame["seed"].astype("str"))
        return frame.assign(run_id=ids.astype(frame["run_id"].dtype if frame is data.runs else "category"))

    return replace(data, runs=renamed(data.runs), curves=renamed(data.curves))
