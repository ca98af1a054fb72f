"""The sections of a report: always the same, in the order of the argument, so that readers and links find them again.

Each names the functions that make its figures and tables; what is not named here is not made. A section stands on the
report's own page, or on one beside it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.reporting.context import ReportContext
from harness.reporting.figures._base import ReportFigure
from harness.reporting.figures.all_of_training import all_of_training_figure
from harness.reporting.figures.arrivals import arrivals_figure
from harness.reporting.figures.best_so_far import best_so_far_figure
from harness.reporting.figures.by_seed import by_seed_figure
from harness.reporting.figures.calibration import calibration_figure
from harness.reporting.figures.classes import classes_figure
from harness.reporting.figures.confusion import confusion_figure
from harness.reporting.figures.cost import cost_figure
from harness.reporting.figures.course_of_runs import course_of_runs_figure
from harness.reporting.figures.drift import drift_figure
from harness.reporting.figures.effect_map import effect_map_figure
from harness.reporting.figures.equal_compute import equal_compute_figure
from harness.reporting.figures.equal_operations import equal_operations_figure
from harness.reporting.figures.every_arm import every_arm_figure
from harness.reporting.figures.every_configuration import every_configuration_figure
from harness.reporting.figures.gradients import gradients_figure
from harness.reporting.figures.importance import importance_figure
from harness.reporting.figures.kept_and_learned import kept_and_learned_figure
from harness.reporting.figures.learning_curves import learning_curves_figure
from harness.reporting.figures.loss_components import loss_components_figure
from harness.reporting.figures.loss_shares import loss_shares_figure
from harness.reporting.figures.paired_differences import paired_differences_figure
from harness.reporting.figures.pairs import pairs_figure
from harness.reporting.figures.pareto import pareto_figure
from harness.reporting.figures.preserved import preserved_figure
from harness.reporting.figures.stability_gap import stability_gap_figure
from harness.reporting.tables._base import ReportTable
from harness.reporting.tables.arms import arms_table
from harness.reporting.tables.arrival_measures import arrival_measures_table
from harness.reporting.tables.base_run import base_run_table
from harness.reporting.tables.checklist import checklist_table
from harness.reporting.tables.class_accuracies import class_accuracies_table
from harness.reporting.tables.controls import controls_table
from harness.reporting.tables.drivers import drivers_table
from harness.reporting.tables.effects_by_field import effects_by_field_table
from harness.reporting.tables.environment import environment_table
from harness.reporting.tables.equal_cost import equal_cost_table
from harness.reporting.tables.failure_rates import failure_rates_table
from harness.reporting.tables.failures import failures_table
from harness.reporting.tables.glossary import glossary_table
from harness.reporting.tables.growths import growths_table
from harness.reporting.tables.integrity import integrity_table
from harness.reporting.tables.optimism import optimism_table
from harness.reporting.tables.outcomes import outcomes_table
from harness.reporting.tables.power import power_table
from harness.reporting.tables.primary import primary_table
from harness.reporting.tables.published import published_table
from harness.reporting.tables.runs import runs_table
from harness.reporting.tables.runs_by_arm import runs_by_arm_table
from harness.reporting.tables.search_space import search_space_table
from harness.reporting.tables.searches import searches_table
from harness.reporting.tables.secondary import secondary_table
from harness.reporting.tables.seeds import seeds_table
from harness.reporting.tables.sensitivity import sensitivity_table
from harness.reporting.tables.stability import stability_table
from harness.reporting.tables.standing import standing_table
from harness.reporting.tables.trade_offs import trade_offs_table
from harness.reporting.tables.winners import winners_table

__all__ = ["GLANCE", "SECTIONS", "Make", "Page", "Part", "Section", "SectionSpec", "make_parts", "sections_of"]

NOT_COMPARED = "Nothing can be compared yet: no pair of runs has a result under both arms."
Part = ReportFigure | ReportTable
Make = Callable[[ReportContext], Part | None]
Page = Literal["report", "runs", "checklists"]
GLANCE: tuple[Make, ...] = (standing_table, paired_differences_figure)  # stand beside the verdict


@dataclass(frozen=True)
class SectionSpec:
    """What a section shows, if there is data for it.

    Attributes:
        anchor: by which links find it, whatever the title becomes.
        shown: what makes the figures and tables that are seen at once, in their order.
        nothing: the sentence of a section that has neither sentences nor anything to show.
        folded: what makes the figures and tables that a reader has to unfold.
        compares: whether there is nothing to show before two arms can be compared.
        page: on which page it stands.
    """

    anchor: str
    title: str
    shown: tuple[Make, ...]
    nothing: str
    folded: tuple[Make, ...] = ()
    compares: bool = False
    page: Page = "report"


@dataclass(frozen=True)
class Section:
    """A section as it is shown: `number` counts from 1, `parts` and `folded` are names of figures and tables."""

    number: int
    anchor: str
    title: str
    sentences: tuple[str, ...]
    parts: tuple[str, ...]
    folded: tuple[str, ...]
    page: Page = "report"

    @property
    def slug(self) -> str:
        """The anchor that GitHub makes of the heading in Markdown."""
        words = re.sub(r"[^\w\- ]", "", f"{self.number} {self.title}".lower())
        return words.replace(" ", "-")


SECTIONS = (
    SectionSpec("question", "The question", (arms_table,), nothing="The study names no arms."),
    SectionSpec(
        "primary",
        "The primary comparison",
        (primary_table, every_arm_figure, pairs_figure),
        nothing="The study has no primary comparison.",
        folded=(every_configuration_figure, by_seed_figure, controls_table, sensitivity_table),
        compares=True,
    ),
    SectionSpec(
        "curves",
        "How it came about",
        (all_of_training_figure, stability_gap_figure, learning_curves_figure),
        nothing="No curves were recorded.",
        folded=(
            *(stability_table, loss_components_figure, loss_shares_figure, gradients_figure, drift_figure),
            *(classes_figure, preserved_figure, growths_table),
        ),
        compares=True,
    ),
    SectionSpec(
        "outcomes",
        "Secondary endpoints and cost",
        (
            *(secondary_table, kept_and_learned_figure, cost_figure, pareto_figure, arrivals_figure),
            *(arrival_measures_table, outcomes_table, failure_rates_table, published_table),
        ),
        nothing="Nothing but the primary metric was recorded.",
        folded=(
            *(equal_compute_figure, equal_operations_figure, equal_cost_table, trade_offs_table),
            *(confusion_figure, calibration_figure, class_accuracies_table),
        ),
        compares=True,
    ),
    SectionSpec(
        "drivers",
        "What drives it",
        (importance_figure, effect_map_figure),
        nothing="Configurations are too few, or differ in too little, to say what the difference depends on.",
        folded=(drivers_table, effects_by_field_table),
        compares=True,
    ),
    SectionSpec(
        "tuned",
        "Tuned against tuned",
        (best_so_far_figure,),
        nothing="The study holds no result on validation by which configurations could be chosen.",
        folded=(searches_table, winners_table, optimism_table),
        compares=True,
    ),
    SectionSpec(
        "power",
        "What more data would buy",
        (power_table,),
        nothing="Computed only for an open verdict, with a smallest effect that was named and a spread that is known.",
        compares=True,
    ),
    SectionSpec("design", "Design", (search_space_table,), nothing="Nothing is searched.", folded=(base_run_table,)),
    SectionSpec(
        "flow",
        "What became of the planned runs",
        (runs_by_arm_table, failures_table),
        nothing="No runs are planned.",
        folded=(course_of_runs_figure,),
    ),
    SectionSpec("integrity", "Integrity", (integrity_table,), nothing="Nothing was checked."),
    SectionSpec(
        "repeat", "How to repeat it", (), nothing="There is no command.", folded=(seeds_table, environment_table)
    ),
    SectionSpec("runs", "Every run", (runs_table,), nothing="No run has ended.", page="runs"),
    SectionSpec("checklist", "Checklists", (checklist_table,), nothing="No question was asked.", page="checklists"),
    SectionSpec("glossary", "All words", (glossary_table,), nothing="No words are explained.", page="checklists"),
)


def make_parts(context: ReportContext) -> dict[Make, Part | None]:
    """Make all figures and tables that stand beside the verdict or in any section; None where there is no data."""
    named = (make for spec in SECTIONS for make in (*spec.shown, *spec.folded))
    return {make: make(context) for make in (*GLANCE, *named)}


def sections_of(
    made: Mapping[Make, Part | None], sentences: Mapping[str, Sequence[str]], *, compared: bool
) -> tuple[Section, ...]:
    """Return all sections; one that has nothing to show says so.

    Args:
        made: what `make_parts` returns.
        sentences: by anchor; they come before figures and tables.
        compared: whether any two runs could be compared.
    """
    return tuple(
        _section(number, spec, made, sentences.get(spec.anchor, ()), compared=compared)
        for number, spec in enumerate(SECTIONS, start=1)
    )


def _section(
    number: int, spec: SectionSpec, made: Mapping[Make, Part | None], sentences: Sequence[str], *, compared: bool
) -> Section:
    if spec.compares and not compared:
        return Section(number, spec.anchor, spec.title, (NOT_COMPARED,), (), (), spec.page)
    parts, folded = _names(spec.shown, made), _names(spec.folded, made)
    if not (sentences or parts or folded):
        sentences = (spec.nothing,)
    return Section(number, spec.anchor, spec.title, tuple(sentences), parts, folded, spec.page)


def _names(makes: Sequence[Make], made: Mapping[Make, Part | None]) -> tuple[str, ...]:
    """Return the names of what there is to see: no table without rows."""
    parts = [made.get(make) for make in makes]
    return tuple(part.name for part in parts if part and (isinstance(part, ReportFigure) or part.rows))
