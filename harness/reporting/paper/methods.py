"""A paragraph that says what was done, from the study alone: task, network, arms, seeds, statistics, software."""

import copy
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from harness.reporting.context import ReportContext
from harness.reporting.data.described import described, spaced
from harness.reporting.data.wording import count, listed, setting
from harness.reporting.paper.works import DATA
from harness.reporting.text.narrative import estimand
from harness.reporting.text.pairs import said_of_pairs
from harness.staging.ledger import StudyRecord

__all__ = ["Cited", "cited", "methods"]

SEARCHED, BY_ARM = "(searched)", "(by arm)"
OWN_OPTIMIZER = "the optimizer of its arm"
MOST_WORDS = 100  # about what the arms change

Cited = tuple[str, tuple[str, ...]]  # a sentence, and the works that it cites


def methods(context: ReportContext) -> list[Cited]:
    """Return the sentences, each with the keys of the works that it cites."""
    return [*_training(context), *_design(context), *_statistics(context), _software(context)]


def cited(sentences: list[Cited]) -> list[str]:
    """Return the keys of all works that are cited, each once, in order."""
    return list(dict.fromkeys(key for _, keys in sentences for key in keys))


def _training(context: ReportContext) -> Iterator[Cited]:
    base = _with_marks(context)
    task, training = base["task"], base.get("training", {})
    yield (
        f"Networks of the kind {described(base['model'], prose=True)} were trained on {_task(task)}",
        tuple([DATA[task["kind"]]] if task["kind"] in DATA else []),
    )
    yield f"Each run made {_updates(base['steps'], training)}", ()
    for name, value in (("Components of the loss", training.get("losses")), ("Growth", base.get("growths"))):
        if value and value != BY_ARM:
            yield f"{name}: {described(value, prose=True)}", ()


def _updates(steps: Any, training: Mapping[str, Any]) -> str:
    """Say how many updates there were, of how many examples, and by which optimizer."""
    often = f"{steps:,} updates" if isinstance(steps, int) else f"updates {steps}"
    size = f" in batches of {training['batch_size']}" if "batch_size" in training else ""
    optimizer = training.get("optimizer")
    if not optimizer:
        return often + size
    return f"{often}{size} with {OWN_OPTIMIZER if optimizer == BY_ARM else described(optimizer, prose=True)}"


def _with_marks(context: ReportContext) -> Any:
    """Return the base run, in which what is searched, or changed by every arm, says that in place of its value."""
    spec = context.whole.study.spec
    changed = set.intersection(*(set(changes) for changes in spec.arms.values()))
    searched = {dimension["field"]: SEARCHED for dimension in spec.space.values()}
    marks = dict.fromkeys(changed - {"model", "steps", "task"}, BY_ARM) | searched
    base = copy.deepcopy(dict(spec.base))
    for path, mark in marks.items():
        *way, last = path.split(".")
        place: Any = base
        for part in way:
            place = _within(place, part)
        if _within(place, last) is not None:
            place[int(last) if isinstance(place, list) else last] = mark
    return base


def _within(place: Any, part: str) -> Any:
    """Return what lies at `part` of a mapping or a list; nothing if there is no such."""
    if isinstance(place, list):
        return place[int(part)] if part.isdecimal() and int(part) < len(place) else None
    return place.get(part) if isinstance(place, dict) else None


def _task(task: Mapping[str, Any]) -> str:
    """Name a task, and how its rows are divided if they are the author's own."""
    parts = [f"with parts {described(task['parts'], prose=True)}"] if "parts" in task else []
    return ", ".join([" ".join([spaced(task["kind"]), *_file(task)]), *parts])


def _file(task: Mapping[str, Any]) -> list[str]:
    """Return the name of a task's own file, if it has one: that of its folder is the author's."""
    return [PurePath(task["path"]).name] if "path" in task else []


def _design(context: ReportContext) -> Iterator[Cited]:
    study = context.whole.study
    yield f"We compared {_arms(study.spec.arms)}", ()
    searched = [f"{name} ({_range(dimension)})" for name, dimension in study.spec.space.items()]
    if searched:
        sampler = described(study.spec.sampler, prose=True)
        yield f"Configurations vary in {listed(searched)}, and were proposed by {sampler}", ("akiba2019optuna",)
    made = f"{_layout(study)} make {count(study.planned_runs, 'run')}"
    yield made, ()
    yield said_of_pairs(context.data, context.account, context.comparison), ()


def _layout(study: StudyRecord) -> str:
    """Say how many configurations and seeds there are."""
    design = study.spec.design
    seeds = f"{count(study.trials, 'configuration')} with {count(study.seeds, 'seed')} each"
    if not design.confirms:
        return f"{seeds} under every arm"
    confirmed = f"whose winner is trained again with {count(design.confirmation, 'other seed')}"
    return f"{design.replicates} independent searches of every arm, each of {seeds}, {confirmed},"


def _arms(arms: Mapping[str, Mapping[str, Any]]) -> str:
    """Say what each arm changes; of many, only their names, since the table of arms says it."""
    told = [f"{name} ({_changes(changes)})" for name, changes in arms.items()]
    if sum(len(text.split()) for text in told) <= MOST_WORDS:
        return listed(told)
    return f"{len(arms)} arms, of which the table of arms says what each changes: {'; '.join(arms)}"


def _changes(changes: Mapping[str, Any]) -> str:
    said = [f"{spaced(path.rpartition('.')[2])} {described(value, prose=True)}" for path, value in changes.items()]
    return "; ".join(said) or "as described"


def _range(dimension: Mapping[str, Any]) -> str:
    """Say from where to where a dimension goes, or which options it has."""
    if "options" in dimension:
        return listed([described(option, prose=True) for option in dimension["options"]])
    if "low" in dimension and "high" in dimension:
        return f"{setting(dimension['low'])} to {setting(dimension['high'])}{', log' if dimension.get('log') else ''}"
    return spaced(dimension["kind"])


def _statistics(context: ReportContext) -> Iterator[Cited]:
    estimated = estimand(context.data, context.comparison, context.measure).rstrip(".")
    yield f"We estimate {estimated[0].lower()}{estimated[1:]}", ()
    if context.comparison.mean.interval:
        yield (
            f"Its interval is a 95 % t interval over {context.comparison.unit}s, averaged over seeds first; beside it "
            "stands the Hodges-Lehmann estimate, which outliers cannot move",
            ("hodges1963estimates",),
        )
    if context.smallest_effect:
        yield f"Differences below {context.measure.size(context.smallest_effect)} were declared not to matter", ()


def _software(context: ReportContext) -> Cited:
    found, packages = context.environment, context.environment.get("packages", {})
    versions = [f"Python {found.get('python', '')}", f"harness {found.get('harness', '')}"]
    versions += [f"{name} {packages[name]}" for name in ("torch", "optuna") if name in packages]
    return f"Software: {listed([version.strip() for version in versions])}", ("paszke2019pytorch",)
