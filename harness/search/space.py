"""The search space: which values a field of the base run may take."""

from abc import abstractmethod
from typing import Annotated, Any, Literal

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from pydantic import Field, FiniteFloat, PositiveInt, model_validator

from harness.core.spec import LeafSpec

__all__ = ["AbstractDimension", "Choice", "Float", "Int"]

DIGITS = 4

Scalar = bool | int | float | str | None


class AbstractDimension(LeafSpec):
    """One searched field; `field` is its dotted path in the base run, such as `growths.0.trigger.step`."""

    field: str

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


class Choice(AbstractDimension):
    """One of a few values, each as likely as any other."""

    kind: Literal["choice"] = "choice"
    options: Annotated[tuple[Scalar, ...], Field(min_length=1)]

    def at(self, quantile: float) -> Scalar:
        """Return the option at `quantile`."""
        return self.options[int(quantile * len(self.options))]

    def distribution(self) -> BaseDistribution:
        """Return the categorical distribution."""
        return CategoricalDistribution(self.options)

    def corners(self) -> tuple[Any, ...]:
        """Return all options."""
        return self.options

    def contains(self, value: Any) -> bool:
        """Return whether `value` is an option, of the same type: `True` is not 1."""
        return any(type(value) is type(option) and value == option for option in self.options)


class Int(AbstractDimension):
    """A whole number from `low` to `high`, both included, in steps of `step`."""

    kind: Literal["int"] = "int"
    low: int
    high: int
    step: PositiveInt = 1

    @model_validator(mode="after")
    def _in_order(self) -> "Int":
        if self.low > self.high or (self.high - self.low) % self.step:
            raise ValueError(
                f"expected low <= high, a multiple of step apart; found {self.low}, {self.high}, {self.step}"
            )
        return self

    def at(self, quantile: float) -> int:
        """Return the whole number at `quantile`."""
        count = (self.high - self.low) // self.step + 1
        return self.low + self.step * int(quantile * count)

    def distribution(self) -> BaseDistribution:
        """Return the integer distribution."""
        return IntDistribution(self.low, self.high, step=self.step)

    def corners(self) -> tuple[Any, ...]:
        """Return both ends."""
        return self.low, self.high

    def contains(self, value: Any) -> bool:
        """Return whether `value` is a whole number on the steps."""
        return type(value) is int and self.low <= value <= self.high and not (value - self.low) % self.step


class Float(AbstractDimension):
    """A number between `low` and `high`, uniform, or uniform in its logarithm."""

    kind: Literal["float"] = "float"
    low: FiniteFloat
    high: FiniteFloat
    log: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> "Float":
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"expected low < high, and low > 0 if log; found {self.low}, {self.high}")
        return self

    def at(self, quantile: float) -> float:
        """Return the number at `quantile`, rounded to four digits so that people can say it."""
        if self.log:
            value = self.low * (self.high / self.low) ** quantile
        else:
            value = self.low + (self.high - self.low) * quantile
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)

    def distribution(self) -> BaseDistribution:
        """Return the distribution of real numbers."""
        return FloatDistribution(self.low, self.high, log=self.log)

    def corners(self) -> tuple[Any, ...]:
        """Return both ends."""
        return self.low, self.high

    def contains(self, value: Any) -> bool:
        """Return whether `value` is a number between the ends."""
        return type(value) in (int, float) and self.low <= value <= self.high
