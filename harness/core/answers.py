"""What the outputs of a network answer for now, said once for losses and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from harness.core.label_map import LabelMap
from harness.core.outputs import INPUTS, LABELS, Output, Scale

__all__ = ["Answers"]


@dataclass(frozen=True, eq=False)
class Answers:
    """What the outputs answer for, fixed from one growth to the next.

    Attributes:
        label_map: the heads that classify labels side by side.
        outputs: what every other output answers, by name; those that do not exist yet among them.
        scales: of standardized targets, by name.
        parameters: those of the network, by the name that people say.
    """

    label_map: LabelMap
    outputs: Mapping[str, Output] = field(default_factory=dict)
    scales: Mapping[str, Scale] = field(default_factory=dict)
    parameters: Mapping[str, Tensor] = field(default_factory=dict)

    def target(self, name: str, inputs: Tensor, labels: Tensor, targets: Mapping[str, Tensor]) -> Tensor:
        """Return what the output `name` should be: classes `[B]`, or numbers `[B, D]`."""
        wanted = self.outputs[name].target_of(name)
        if wanted == INPUTS:
            return inputs.flatten(1)
        return labels if wanted == LABELS else targets[wanted]

    def scale(self, name: str) -> Scale:
        """Return the scale of the output `name`; 1 for a target that is not standardized."""
        return self.scales.get(self.outputs[name].target_of(name), Scale(0.0, 1.0))
