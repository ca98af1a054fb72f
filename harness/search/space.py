"""The search space: which values a field of the base run may take."""

import math
from abc import abstractmethod
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from optuna import Trial
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from pydantic import BeforeValidator, Field, FiniteFloat, PositiveFloat, PositiveInt, field_validator, model_validator

from harness.core.spec import LeafSpec

__all__ = ["AbstractDimension", "Choice", "Float", "Int", "Present", "Scalar", "same"]

DIGITS = 4
MOST_STEPS = 10**9  # beyond it, neighbors would differ in digits that a float does not have

Scalar = bool | int | float | str | None


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal and of one type: `True` is not 1."""
    return type(one) is type(other) and bool(one == other)


def _several(values: Any) -> Any:
    return tuple(values) if isinstance(values, list | tuple) else (values,)


OneOrSeveral = Annotated[tuple[Scalar, ...], BeforeValidator(_several), Field(min_length=1)]


class AbstractDimension(LeafSpec):
    """One searched field.

    Attributes:
        field: its dotted path in the base run, such as `growths.0.trigger.step`.
        when: other dimensions by name, each with a value or several; where one of them has another value, or does not
            exist itself, this dimension does not exist, and the base run's value stands.
    """

    field: str
    when: dict[str, OneOrSeveral] = Field(default_factory=dict)
    conditional: ClassVar[bool] = True
    """Whether others may exist only at some of its values."""

    @abstractmethod
    def suggested(self, trial: Trial, name: str) -> Any:
        """Return what Optuna's trial proposes for this dimension under `name`, rounded as in `at`."""

    def changes(self, value: Any) -> dict[str, Any]:
        """Return the change of the base run that `value` stands for, by path."""
        return {self.field: value}

    def leaves_out(self, value: Any) -> bool:  # noqa: ARG002
        """Return whether at `value` the run has no such field."""
        return False

    @abstractmethod
    def at(self, quantile: float) -> Any:
        """Return the value at `quantile` in `[0, 1)` of the dimension's uniform distribution."""

    @abstractmethod
    def distribution(self) -> BaseDistribution:
        """Return the same as Optuna knows it."""

    @abstractmethod
    def corners(self) -> tuple[Any, ...]:
        """Return values that all must fit the field for the whole dimension to fit."""

    @abstractmethod
    def contains(self, value: Any) -> bool:
        """Return whether `value` is one of the dimension's."""

    def grid(self, points: int) -> list[Any]:  # noqa: ARG002
        """Return the dimension's values in a grid: all corners, or, of numbers, at most `points` evenly spaced ones."""
        return list(self.corners())


class Choice(AbstractDimension):
    """One of a few values, each as likely as any other."""

    kind: Literal["choice"] = "choice"
    options: Annotated[tuple[Scalar, ...], Field(min_length=1)]

    @field_validator("options", mode="before")
    @classmethod
    def _plain(cls, options: Any) -> Any:
        for option in options if isinstance(options, list | tuple) else ():
            if not isinstance(option, Scalar):
                raise ValueError(
                    f"expected options that are numbers, texts, True, False or None, found {option!r:.80}; "
                    "search a field within it, such as model.widths.0, or make arms of them"
                )
        return options

    @field_validator("options")
    @classmethod
    def _different(cls, options: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
        for index, option in enumerate(options):
            if option in options[:index]:  # Optuna takes True for 1, too
                raise ValueError(f"expected different options, found {option!r} equal to one before it")
        return options

    def at(self, quantile: float) -> Scalar:
        """Return the option at `quantile`."""
        return self.options[int(quantile * len(self.options))]

    def distribution(self) -> BaseDistribution:
        """Return the categorical distribution."""
        return CategoricalDistribution(self.options)

    def suggested(self, trial: Trial, name: str) -> Scalar:
        """Return one of the options."""
        return trial.suggest_categorical(name, self.options)

    def corners(self) -> tuple[Any, ...]:
        """Return all options."""
        return self.options

    def contains(self, value: Any) -> bool:
        """Return whether `value` is an option, of the same type: `True` is not 1."""
        return any(same(value, option) for option in self.options)


class Present(AbstractDimension):
    """Whether the run has the item at `field`, such as `growths.1` or `training.losses.distillation`, or not.

    The base run has it; other dimensions of fields within it exist when this one is `True`.
    """

    kind: Literal["present"] = "present"

    def at(self, quantile: float) -> bool:
        """Return `False` in the first half."""
        return quantile >= 0.5

    def distribution(self) -> BaseDistribution:
        """Return the categorical distribution."""
        return CategoricalDistribution(self.corners())

    def suggested(self, trial: Trial, name: str) -> bool:
        """Return one of the two."""
        return trial.suggest_categorical(name, self.corners())

    def corners(self) -> tuple[bool, bool]:
        """Return both."""
        return False, True

    def contains(self, value: Any) -> bool:
        """Return whether `value` is `True` or `False`."""
        return isinstance(value, bool)

    def changes(self, value: bool) -> dict[str, Any]:  # noqa: ARG002
        """Return no change: the base run has the item."""
        return {}

    def leaves_out(self, value: bool) -> bool:
        """Return whether the run has no such item."""
        return not value


class Int(AbstractDimension):
    """A whole number from `low` to `high`, both included, in steps of `step`, or uniform in its logarithm."""

    kind: Literal["int"] = "int"
    low: int
    high: int
    step: PositiveInt = 1
    log: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> "Int":
        if self.low > self.high or (self.high - self.low) % self.step:
            raise ValueError(
                f"expected low <= high, a multiple of step apart; found {self.low}, {self.high}, {self.step}"
            )
        if self.log and (self.low < 1 or self.step != 1):
            raise ValueError(f"expected low > 0 and no step if log; found low {self.low}, step {self.step}")
        return self

    @property
    def count(self) -> int:
        """How many values there are."""
        return (self.high - self.low) // self.step + 1

    def nth(self, index: int) -> int:
        """Return the value after so many steps."""
        return self.low + self.step * index

    def at(self, quantile: float) -> int:
        """Return the whole number at `quantile`; in the logarithm, each has the part from a half below to a half above.

        The same as Optuna does.
        """
        if not self.log:
            return self.nth(int(quantile * self.count))
        low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
        return min(max(round(math.exp(low + (high - low) * quantile)), self.low), self.high)

    def distribution(self) -> BaseDistribution:
        """Return the integer distribution."""
        return IntDistribution(self.low, self.high, log=self.log, step=self.step)

    def suggested(self, trial: Trial, name: str) -> int:
        """Return a whole number."""
        return trial.suggest_int(name, self.low, self.high, step=self.step, log=self.log)

    def corners(self) -> tuple[Any, ...]:
        """Return both ends."""
        return self.low, self.high

    def grid(self, points: int) -> list[int]:
        """Return all whole numbers, or `points` evenly spaced ones."""
        return _grid(self, points)

    def contains(self, value: Any) -> bool:
        """Return whether `value` is a whole number on the steps."""
        return type(value) is int and self.low <= value <= self.high and not (value - self.low) % self.step


class Float(AbstractDimension):
    """A number between `low` and `high`, uniform, in steps of `step` from `low`, or uniform in its logarithm."""

    kind: Literal["float"] = "float"
    low: FiniteFloat
    high: FiniteFloat
    step: PositiveFloat | None = None
    log: bool = False
    conditional: ClassVar[bool] = False

    @model_validator(mode="after")
    def _in_order(self) -> "Float":
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"expected low < high, and low > 0 if log; found {self.low}, {self.high}")
        if self.step is not None:
            self._check_steps(self.step)
        return self

    def _check_steps(self, step: float) -> None:
        if self.log:
            raise ValueError(f"expected step or log, found step {step} and log; leave one of them out")
        many = (self.high - self.low) / step > MOST_STEPS
        if many or (_decimal(self.high) - _decimal(self.low)) % _decimal(step):
            raise ValueError(
                f"expected low and high a multiple of step apart, at most {MOST_STEPS:,} steps; "
                f"found {self.low}, {self.high}, {step}"
            )

    @property
    def count(self) -> int | None:
        """How many values there are; None without steps."""
        return None if self.step is None else round((self.high - self.low) / self.step) + 1

    def at(self, quantile: float) -> float:
        """Return the number at `quantile`, on a step or rounded to four digits, which are easy to read."""
        if self.count is not None:
            return self.nth(int(quantile * self.count))
        if self.log:
            value = self.low * (self.high / self.low) ** quantile
        else:
            value = self.low + (self.high - self.low) * quantile
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)

    def nth(self, index: int) -> float:
        """Return the value after so many steps in decimals: 0.3 rather than 0.30000000000000004."""
        return float(_decimal(self.low) + index * _decimal(self.step or 0.0))

    def _nearest(self, value: float) -> float:
        return value if self.step is None else self.nth(round((value - self.low) / self.step))

    def distribution(self) -> BaseDistribution:
        """Return the distribution of real numbers."""
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def suggested(self, trial: Trial, name: str) -> float:
        """Return a number, on a step if there are steps."""
        return self._nearest(trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log))

    def corners(self) -> tuple[Any, ...]:
        """Return both ends."""
        return self.low, self.high

    def grid(self, points: int) -> list[float]:
        """Return all steps, or `points` evenly spaced numbers."""
        return _grid(self, points)

    def contains(self, value: Any) -> bool:
        """Return whether `value` is a number between the ends, and on a step if there are steps."""
        return type(value) in (int, float) and self.low <= value <= self.high and self._nearest(value) == value


def _grid(dimension: Int | Float, points: int) -> list[Any]:
    if dimension.count is not None and dimension.count <= points:
        return [dimension.nth(index) for index in range(dimension.count)]
    evenly = (dimension.at((index + 0.5) / points) for index in range(points))
    return list(dict.fromkeys(evenly))  # small whole numbers lie closer than points even in the logarithm


def _decimal(value: float) -> Decimal:
    """Return the number as it is written."""
    return Decimal(repr(value))
