"""What an output of a network answers, and in which unit."""

from dataclasses import dataclass
from typing import Literal

from pydantic import PositiveInt

from harness.core.spec import Spec

__all__ = ["INPUTS", "LABELS", "Output", "Scale"]

LABELS, INPUTS = "labels", "inputs"


@dataclass(frozen=True)
class Scale:
    """How a standardized target reads in its own unit: `value * std + mean`."""

    mean: float
    std: float
    unit: str = ""


class Output(Spec):
    """What an output answers that is no head of jointly classified labels.

    Attributes:
        kind: `classes` are logits of one class an example; `binary`, of a yes or no in each column; `values` are
            numbers; `inputs` are the inputs themselves, flattened.
        columns: how many it has when it is born.
        target: the name of the target that is right; that of the output unless given, `labels` for the labels. If the
            target has more columns, the output answers for the first ones.
        unit: in which errors of its values are read, such as `kWh/m2`.
    """

    kind: Literal["classes", "binary", "values", "inputs"] = "values"
    columns: PositiveInt = 1
    target: str | None = None
    unit: str = ""

    def target_of(self, name: str) -> str:
        """Return the name of the target of the output `name`."""
        return INPUTS if self.kind == "inputs" else self.target or name
