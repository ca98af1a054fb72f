"""A paragraph that says what was done, from the study alone: task, network, arms, seeds, statistics, software."""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from harness.reporting.context import ReportContext
from harness.reporting.data.wording import count, listed, setting
from harness.reporting.paper.works import DATA
from harness.reporting.text.narrative import estimand

__all__ = ["Cited", "cited", "methods"]

USUAL = ("frozen_norm", "eval")

Cited = tuple[str, tuple[str, ...]]  # a sentence, and the works that it cites


def methods(context: ReportContext) -> list[Cited]:
    """Return the sentences, each with the keys of the works that it cites."""
    return [*_training(context), *_design(context), *_statistics(context), _software(context)]


def cited(sentences: list[Cited]) -> list[str]:
    """Return the keys of all works that are cited, each once, in order."""
    return list(dict.fromkeys(key for _, keys in sentences for key in keys))


def _training(context: ReportContext) -> Iterator[Cited]:
    base = context.whole.study.spec.base
    task, training = base["task"], base.get("training", {})
    yield (
        f"Networks ({_brief(base['model'])}) were trained on {' '.join([task['kind'], *_file(task)])}",
        tuple([DATA[task["kind"]]] if task["kind"] in DATA else []),
    )
    size = f" in batches of {training['batch_size']:,}" if "batch_size" in training else ""
    optimizer = f" with {_brief(training['optimizer'])}" if "optimizer" in training else ""
    yield f"Each run made {base['steps']:,} updates{size}{optimizer}", ()
    for rule in base.get("growths", ()):
        when, what, freeze = (_brief(rule[part]) for part in ("trigger", "operation", "freeze"))
        yield f"Growth {when}: {what}, with the freeze policy {freeze}", ()


def _file(task: Mapping[str, Any]) -> list[str]:
    """Return the name of a task's own file, if it has one: that of its folder is the author's."""
    return [PurePath(task["path"]).name] if "path" in task else []


def _design(context: ReportContext) -> Iterator[Cited]:
    study = context.whole.study
    arms = [f"{name} ({_changes(changes)})" for name, changes in study.spec.arms.items()]
    yield f"We compared {listed(arms)}", ()
    searched = [f"{name} ({_range(dimension)})" for name, dimension in study.spec.space.items()]
    if searched:
        yield (
            f"Configurations vary in {listed(searched)}, and were proposed by {_brief(study.spec.sampler)}",
            ("akiba2019optuna",),
        )
    yield (
        (
            f"{count(study.trials, 'configuration')} with {count(study.seeds, 'seed')} each under every arm make "
            f"{count(study.planned_runs, 'run')}; its arms share initial values and the order of the data"
        ),
        (),
    )


def _changes(changes: Mapping[str, Any]) -> str:
    said = [f"{path.rpartition('.')[2]}: {_brief(value)}" for path, value in changes.items()]
    return ", ".join(said) or "as the configuration says"


def _range(dimension: Mapping[str, Any]) -> str:
    """Say from where to where a dimension goes, or which options it has."""
    if "options" in dimension:
        return listed([_brief(option) for option in dimension["options"]])
    if "low" in dimension and "high" in dimension:
        return f"{setting(dimension['low'])} to {setting(dimension['high'])}{', log' if dimension.get('log') else ''}"
    return str(dimension["kind"])


def _brief(value: Any) -> str:
    """Write a spec without what it leaves out or switches off."""
    if not isinstance(value, Mapping):
        return setting(value)
    told = {key: item for key, item in value.items() if item is not None and item is not False}
    plain = {key: item for key, item in told.items() if (key, item) != USUAL}
    return setting({key: _brief(item) if isinstance(item, Mapping) else item for key, item in plain.items()})


def _statistics(context: ReportContext) -> Iterator[Cited]:
    estimated = estimand(context.data, context.comparison, context.measure).rstrip(".")
    yield f"We estimate {estimated[0].lower()}{estimated[1:]}", ()
    yield (
        (
            f"Its interval is a 95 % t interval over {context.comparison.unit}s, averaged over seeds first; beside it "
            "stands the Hodges-Lehmann estimate, which outliers cannot move"
        ),
        ("hodges1963estimates",),
    )
    if context.smallest_effect:
        yield f"Differences below {context.measure.size(context.smallest_effect)} were declared not to matter", ()


def _software(context: ReportContext) -> Cited:
    found, packages = context.environment, context.environment.get("packages", {})
    versions = [f"Python {found.get('python', '')}", f"harness {found.get('harness', '')}"]
    versions += [f"{name} {packages[name]}" for name in ("torch", "optuna") if name in packages]
    return f"Software: {listed([version.strip() for version in versions])}", ("paszke2019pytorch",)
