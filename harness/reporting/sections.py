"""The sections of a report: always the same, in the same order, so that readers and links find them again."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

__all__ = ["PLAN", "Plan", "Section", "sections_of"]

NOT_COMPARED = "Nothing can be compared yet: no pair of runs has a result under both arms."


@dataclass(frozen=True)
class Plan:
    """A section as it is planned.

    Attributes:
        anchor: by which links find it, whatever the title becomes.
        parts: names of tables and figures, in the order in which they are shown, where they are there.
        folded: the same, to be unfolded by whoever wants to see them.
        nothing: what is said where neither words nor parts are there.
        compares: whether there is nothing to show before two arms can be compared.
    """

    anchor: str
    title: str
    parts: tuple[str, ...]
    nothing: str
    folded: tuple[str, ...] = ()
    compares: bool = False


@dataclass(frozen=True)
class Section:
    """A section as it is shown; see `Plan`. `place` counts from 1, `slug` is the anchor that Markdown gives it."""

    place: int
    anchor: str
    title: str
    sentences: tuple[str, ...]
    parts: tuple[str, ...]
    folded: tuple[str, ...]

    @property
    def slug(self) -> str:
        """The anchor that GitHub makes of the heading in Markdown."""
        words = re.sub(r"[^\w\- ]", "", f"{self.place} {self.title}".lower())
        return words.replace(" ", "-")


PLAN = (
    Plan("question", "The question", ("arms",), nothing="The study names no arms."),
    Plan("design", "Design", ("search_space",), nothing="Nothing is searched.", folded=("base_run",)),
    Plan(
        "flow",
        "What became of the planned runs",
        ("runs_by_arm", "failures", "course_of_runs"),
        nothing="No runs are planned.",
    ),
    Plan(
        "primary",
        "The primary comparison",
        ("paired_differences", "pairs", "primary", "every_arm", "controls", "sensitivity"),
        nothing="The study has no primary comparison.",
        compares=True,
    ),
    Plan(
        "outcomes",
        "Secondary endpoints and cost",
        (
            *("secondary", "outcomes", "collapses", "published"),
            *("stability_gap", "stability", "arrivals", "preserved", "kept_and_learned"),
            *("cost", "equal_compute", "equal_operations", "equal_cost", "pareto", "trade_offs"),
        ),
        nothing="Nothing but the primary metric was recorded.",
        compares=True,
    ),
    Plan(
        "curves",
        "Dynamics at the growth",
        (
            *("all_of_training", "learning_curves", "loss_components", "loss_shares"),
            *("gradients", "drift", "classes", "growths"),
        ),
        nothing="No curves were recorded.",
        compares=True,
    ),
    Plan(
        "drivers",
        "What drives it",
        ("importance", "drivers", "effects_by_field", "effect_map"),
        nothing="Configurations are too few, or differ in too little, to say what the difference depends on.",
        compares=True,
    ),
    Plan(
        "tuned",
        "Tuned against tuned",
        ("searches", "winners", "best_so_far", "optimism"),
        nothing="The study holds no result on validation by which configurations could be chosen.",
        compares=True,
    ),
    Plan(
        "power",
        "What more data would buy",
        ("power",),
        nothing="Nothing was computed on the number of configurations that would be needed.",
        compares=True,
    ),
    Plan("runs", "Every run", ("runs",), nothing="No run has ended."),
    Plan("integrity", "Integrity", ("integrity",), nothing="Nothing was checked."),
    Plan("repeat", "How to repeat it", (), nothing="There is no command.", folded=("seeds", "environment")),
    Plan("checklist", "Checklists", ("checklist",), nothing="No question was asked."),
    Plan("glossary", "Words and limits", ("glossary",), nothing="No words need to be explained."),
)


def sections_of(present: Set[str], words: Mapping[str, Sequence[str]], *, compared: bool) -> tuple[Section, ...]:
    """Return all sections; one that has nothing to show says so.

    Args:
        present: the names of the tables and figures that there are.
        words: sentences by anchor, which come before the parts.
        compared: whether any two runs could be compared.
    """
    return tuple(_section(place, plan, present, words, compared=compared) for place, plan in enumerate(PLAN, start=1))


def _section(
    place: int, plan: Plan, present: Set[str], words: Mapping[str, Sequence[str]], *, compared: bool
) -> Section:
    if plan.compares and not compared:
        return Section(place, plan.anchor, plan.title, (NOT_COMPARED,), (), ())
    sentences, parts = tuple(words.get(plan.anchor, ())), tuple(name for name in plan.parts if name in present)
    folded = tuple(name for name in plan.folded if name in present)
    if not (sentences or parts or folded):
        sentences = (plan.nothing,)
    return Section(place, plan.anchor, plan.title, sentences, parts, folded)
