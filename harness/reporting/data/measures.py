"""What a metric is called, in which unit people read it, and whether more of it is better."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.reporting.data.wording import number, signed

__all__ = ["POINTS", "Measure", "measure_of"]

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


def measure_of(metric: str, units: Mapping[str, str] = NO_UNITS) -> Measure:
    """Describe a metric by its name; accuracies are read in percent, unknown metrics as they are stored.

    Errors are read in the unit of their output, where `units` has it by the output's name.

    >>> measure_of("test/accuracy/late").title, measure_of("test/accuracy/late").unit
    ('test accuracy on the late classes', 'percentage points')
    """
    if metric in COUNTED:
        title, short, unit, factor, decimals = COUNTED[metric]
        return Measure(metric, title, short, unit, unit, factor, decimals, higher_is_better=False)
    split, _, name = metric.partition("/")
    spoken = {"val": "validation", "train": "training"}.get(split, split)
    family, _, part = name.partition("/")
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
