"""What each output of a network predicts between two growths; losses and metrics both read it here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from harness.core.inputs import Inputs, whole
from harness.core.label_map import LabelMap
from harness.core.outputs import INPUTS, LABELS, Output, Scale

__all__ = ["OutputSpecs"]


@dataclass(frozen=True, eq=False)
class OutputSpecs:
    """What each output predicts; it stays the same from one growth to the next.

    Attributes:
        label_map: the heads that classify labels jointly.
        outputs: the spec of every other output, by name, including outputs that do not exist yet.
        scales: of standardized targets, by name.
        parameters: of the network, by their names without the prefix `backbone.`.
    """

    label_map: LabelMap
    outputs: Mapping[str, Output] = field(default_factory=dict)
    scales: Mapping[str, Scale] = field(default_factory=dict)
    parameters: Mapping[str, Tensor] = field(default_factory=dict)

    def target(self, name: str, inputs: Inputs, labels: Tensor, targets: Mapping[str, Tensor]) -> Tensor:
        """Return the target values of the output `name`: classes `[B]`, or numbers `[B, D]`."""
        target = self.outputs[name].target_of(name)
        if target == INPUTS:
            values: Tensor = whole(inputs).flatten(1)
            return values
        return labels if target == LABELS else targets[target]

    def scale(self, name: str) -> Scale:
        """Return the scale of the output `name`; 1 for a target that is not standardized."""
        return self.scales.get(self.outputs[name].target_of(name), Scale(0.0, 1.0))
