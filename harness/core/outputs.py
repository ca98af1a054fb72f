"""The spec of one output of a network: what it predicts, and in which unit."""

from dataclasses import dataclass
from typing import Literal

from pydantic import PositiveInt

from harness.core.spec import Spec

__all__ = ["INPUTS", "LABELS", "Output", "Scale"]

LABELS, INPUTS = "labels", "inputs"


@dataclass(frozen=True)
class Scale:
    """The scale of a standardized target: `value * std + mean` is in its own unit."""

    mean: float
    std: float
    unit: str = ""


class Output(Spec):
    """What an output predicts that is not a head of jointly classified labels.

    Attributes:
        kind: `classes` are logits of one class an example, or, if the target has positions, of one class at each, such
            as the next token; `binary`, of a yes or no in each column; `values` are numbers; `inputs` are the inputs
            themselves, flattened.
        columns: its number of columns when it is created.
        target: the name of its target; the output's own name unless given, `labels` for the labels. Of a target with
            more columns, the output predicts the first ones.
        unit: of its values and their errors, such as `kWh/m2`.
    """

    kind: Literal["classes", "binary", "values", "inputs"] = "values"
    columns: PositiveInt = 1
    target: str | None = None
    unit: str = ""

    def target_of(self, name: str) -> str:
        """Return the name of the target of the output `name`."""
        return INPUTS if self.kind == "inputs" else self.target or name
