"""Whether data and configuration speak of the same classes."""

from collections.abc import Iterable, Mapping

from torch import Tensor

from harness.core.errors import DataError, SpecError
from harness.core.label_map import labels_of
from harness.data import Split, TaskData
from harness.staging.run import RunConfig

__all__ = ["check_classes", "check_metric"]

NAMED = 8


def check_classes(config: RunConfig, data: TaskData) -> None:
    """Refuse classes without a training example, labels without a column, and losses that name other classes.

    Raises:
        DataError: the data have no example of a class, or labels that no output has a column for.
        SpecError: a loss names a class that does not exist.
    """
    named = {label for columns in config.task.classes.values() for column in columns for label in labels_of(column)}
    classes = named | {label for rule in config.growths for label in rule.reveals}
    for name, loss in config.training.losses.items():
        if strange := loss.classes - classes:
            raise SpecError(
                f"training.losses.{name}: expected classes of the task, {_listed(classes) or 'which has none'}; found "
                f"{_listed(strange)}"
            )
    if named:
        _check_labels(config, data, classes)
    for name, output in config.task.outputs.items():
        if output.kind == "classes":
            target = _target(data.train, output.target_of(name))
            if missing := set(range(output.columns)) - set(target.unique().tolist()):
                raise DataError(
                    f"expected a training example of every class of the output {name!r}, found none of "
                    f"{_listed(missing)} in {config.task.kind!r}; leave out their columns or add examples"
                )


def check_metric(field: str, metric: str, config: RunConfig, data: TaskData) -> None:
    """Refuse to compare by a metric of classes that have no example to be measured on.

    Raises:
        SpecError: with the name of the field that asks for the metric.
    """
    heads = config.task.classes
    family, _, which = metric.partition("/")
    asked = [which] if which in heads else heads if which == "mean" else []
    of_classes = family.startswith("accuracy") or family in config.training.metrics
    for head in asked if of_classes else ():
        own = {label for column in heads[head] for label in labels_of(column)}
        for part, split in (("validation", data.validation), ("test", data.test)):
            if not own & set(split.labels.unique().tolist()):
                raise SpecError(
                    f"{field}: {metric!r} has nothing to compare: the {part} data of {config.task.kind!r}, "
                    f"{len(split):,} examples, have none of the head {head!r} (classes {_listed(own)}); "
                    "use another metric, or more data"
                )


def _check_labels(config: RunConfig, data: TaskData, classes: set[int]) -> None:
    found = _counts(split.labels for split in (data.train, data.validation, data.test))
    trained = _counts([data.train.labels])
    absent = {label for label in classes if label not in trained}
    strays = {label: count for label, count in found.items() if label not in classes and label not in data.hidden}
    faults = [f"class {_listed(absent)} {'has' if len(absent) == 1 else 'have'} no training example"] if absent else []
    faults += [f"label {label} ({count:,} rows) has no column" for label, count in list(strays.items())[:NAMED]]
    if faults:
        raise DataError(
            f"expected an example of every class and a column for every label in the data of {config.task.kind!r}, "
            f"found that {', '.join(faults)}; see task.classes, and task.hidden for labels to be left out"
        )


def _counts(labels: Iterable[Tensor]) -> Mapping[int, int]:
    total: dict[int, int] = {}
    for part in labels:
        values, counts = part.unique(return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            total[value] = total.get(value, 0) + count
    return dict(sorted(total.items()))


def _target(split: Split, name: str) -> Tensor:
    return split.targets.get(name, split.labels)


def _listed(labels: Iterable[int]) -> str:
    ordered = sorted(labels)
    more = f" and {len(ordered) - NAMED} more" if len(ordered) > NAMED else ""
    return ", ".join(map(str, ordered[:NAMED])) + more
