"""What a metric is called, in which unit people read it, and whether more of it is better."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from harness.reporting.data.wording import number, signed

__all__ = ["NO_METRICS", "POINTS", "Measure", "kind_of", "measure_of", "metric_named"]

POINTS = "percentage points"
COUNTED = {
    "cost/seconds": ("training time", "time", "s", 1.0, 1),
    "cost/steps": ("optimizer updates", "updates", "steps", 1.0, 0),
    "growth/parameters_added": ("parameters added by the growth", "added", "parameters", 1.0, 0),
    "cost/flops": ("operations of training", "operations", "GFLOP", 1e-9, 2),
}
# By family: what is said of all of them, and of one.
ACCURACIES = {
    "accuracy": ("accuracy over all classes", "accuracy on the {} classes"),
    "accuracy_within": (
        "accuracy within heads, averaged over them",
        "accuracy within the head {}, told that it is the one",
    ),
    "accuracy_by_arrival": (
        "accuracy averaged over arrivals of classes",
        "accuracy on the classes of arrival {}",
    ),
}
ERRORS = {"mae": "mean absolute error", "rmse": "root mean square error"}
NO_UNITS: Mapping[str, str] = MappingProxyType({})
NO_METRICS: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
OF_CLASS, PERCENT, TARGET = "_of_class", "%", "target"  # as specs of metrics say
# The kinds of the metrics that every run has, by family.
KINDS = {"accuracy": "accuracy", "mae": "mean_absolute_error", "rmse": "root_mean_squared_error"}
SHARES = {
    "known_before_growth": ("accuracy on the known classes just before the growth", "known before"),
    "known_after_growth": ("accuracy on the known classes at the end", "known after"),
    "forgetting": ("forgetting of the known classes", "forgetting"),
}


@dataclass(frozen=True)
class Measure:
    """How to read one metric.

    Attributes:
        metric: its name in `RunRecord.metrics`, such as `test/accuracy/all`.
        title: what it is, in words, to stand within a sentence; `short` stands at the head of a column.
        level_unit: the unit of a value; `unit` is that of a difference.
        factor: what a stored value is multiplied by before it is shown.
    """

    metric: str
    title: str
    short: str
    level_unit: str
    unit: str
    factor: float
    decimals: int
    higher_is_better: bool

    def level(self, value: float) -> str:
        """Write a value, without its unit."""
        return number(value * self.factor, self.decimals)

    def amount(self, value: float) -> str:
        """Write a value with its unit."""
        return f"{self.level(value)} {self.level_unit}".strip()

    def difference(self, value: float) -> str:
        """Write a difference with its sign, without its unit."""
        return signed(value * self.factor, self.decimals)

    def size(self, value: float) -> str:
        """Write how large a difference is, with its unit."""
        return f"{number(abs(value) * self.factor, self.decimals)} {self.unit}".strip()


def measure_of(
    metric: str, units: Mapping[str, str] = NO_UNITS, named: Mapping[str, Mapping[str, Any]] = NO_METRICS
) -> Measure:
    """Describe a metric by its name; accuracies are read in percent, unknown metrics as they are stored.

    Errors are read in the unit of their output, where `units` has it by the output's name. `named` has the specs of the
    metrics that the study names itself, as JSON.

    >>> measure_of("test/accuracy/late").title, measure_of("test/accuracy/late").unit
    ('test accuracy on the late classes', 'percentage points')
    """
    if metric in COUNTED:
        title, short, unit, factor, decimals = COUNTED[metric]
        return Measure(metric, title, short, unit, unit, factor, decimals, higher_is_better=False)
    split, _, name = metric.partition("/")
    spoken = {"val": "validation", "train": "training"}.get(split, split)
    family, _, part = name.partition("/")
    if described := metric_named(name, named):
        return _named(metric, spoken, described, units)
    if family in ACCURACIES:
        return _share(metric, f"{spoken} {_accuracy(family, part)}", _short(family, part))
    if family in ERRORS:
        title, unit = f"{spoken} {ERRORS[family]} of {part}", units.get(part, "")
        return Measure(metric, title, name, unit, unit, 1.0, 3, higher_is_better=False)
    if name in SHARES:
        title, short = SHARES[name]
        return _share(metric, f"{spoken} {title}", short)
    better = family != "loss"
    return Measure(metric, f"{spoken} {name}".strip(), name, "", "", 1.0, 4, higher_is_better=better)


def metric_named(name: str, named: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the spec of the metric that `name`, such as `f1/all` or `f1_of_class/3`, belongs to; None of others.

    >>> metric_named("f1_of_class/3", {"f1": {"kind": "macro_f1"}})
    {'kind': 'macro_f1'}
    """
    return named.get(name.partition("/")[0].removesuffix(OF_CLASS))


def kind_of(name: str, named: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the kind of the metric that `name`, such as `rmse/load`, belongs to; empty for what is none, as a loss.

    >>> kind_of("rmse/load", {}), kind_of("f1/all", {"f1": {"kind": "macro_f1"}}), kind_of("loss/total", {})
    ('root_mean_squared_error', 'macro_f1', '')
    """
    family = name.partition("/")[0]
    return str(named[family]["kind"]) if family in named else KINDS.get(family, "")


def _named(metric: str, spoken: str, described: Mapping[str, Any], units: Mapping[str, str]) -> Measure:
    """Describe a metric that the study names itself, by its spec."""
    family, _, part = metric.partition("/")[2].partition("/")
    said = described.get("title") or described.get("name") or str(described["kind"]).replace("_", " ")
    title = f"{spoken} {said}{_of_what(family, part, units)}"
    short = family if part == "all" else f"{family} {part}"
    better, unit = described.get("direction") != "minimize", str(described.get("unit", ""))
    if unit == PERCENT:
        return Measure(metric, title, short, "%", POINTS, 100.0, 2, higher_is_better=better)
    unit = units.get(part, "") if unit == TARGET else unit
    return Measure(metric, title, short, unit, unit, 1.0, 3 if unit else 4, higher_is_better=better)


def _of_what(family: str, part: str, outputs: Collection[str]) -> str:
    if family.endswith(OF_CLASS):
        return f" of class {part}"
    if part == "all":
        return " over all classes"
    return f" of {part}" if part in outputs else f" on the {part} classes"


def _accuracy(family: str, part: str) -> str:
    everything, some = ACCURACIES[family]
    return everything if part in ("", "all", "mean") else some.format(part)


def _short(family: str, part: str) -> str:
    return {"accuracy": part or "all", "accuracy_within": f"within {part}"}.get(family, f"arrival {part}")


def _share(metric: str, title: str, short: str) -> Measure:
    """Describe what is stored as a fraction and read in percent; forgetting is itself a difference."""
    forgetting = short == "forgetting"
    level_unit = POINTS if forgetting else "%"
    return Measure(metric, title, short, level_unit, POINTS, 100.0, 2, higher_is_better=not forgetting)
