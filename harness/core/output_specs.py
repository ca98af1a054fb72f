"""What each output of a network predicts between two growths; losses and metrics both read it here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from harness.core.errors import SpecError
from harness.core.explain import did_you_mean
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
        """Return the target values of the output `name`: classes `[B]`, or numbers `[B, D]`.

        Of a head, whose classes are the task's labels, they are the columns of these in its logits.

        Raises:
            SpecError: an example may be of no class of that head, or the task says nothing of such an output.
        """
        if name in self.label_map.heads:
            return self._columns(name, labels)
        target = self._output(name).target_of(name)
        if target == INPUTS:
            values: Tensor = whole(inputs).flatten(1)
            return values
        return labels if target == LABELS else targets[target]

    def scale(self, name: str) -> Scale:
        """Return the scale of the output `name`; 1 for a target that is not standardized."""
        return self.scales.get(self._output(name).target_of(name), Scale(0.0, 1.0))

    def _output(self, name: str) -> Output:
        if name not in self.outputs:
            known = did_you_mean(name, (*self.label_map.heads, *self.outputs))
            raise SpecError(f"expected an output whose target the task says, found {name!r}.{known}")
        return self.outputs[name]

    def _columns(self, head: str, labels: Tensor) -> Tensor:
        """Return `[B]` the column of each example's class, if the head has one for every class that there is."""
        if len(self.label_map.heads) > 1 or self.label_map.chosen[0] is not None:
            others = [name for name in self.label_map.heads if name != head] or ["hidden classes"]
            raise SpecError(
                f"expected a head with a column for every class as the target of one loss, found {head!r} beside "
                f"{', '.join(others)}; use JointCrossEntropy() or SeparateCrossEntropy(), or read batch.labels and "
                "batch.specs.label_map in a loss of your own"
            )
        return self.label_map.within[labels]
