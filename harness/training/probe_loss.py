"""The loss that is trained, for growths that follow its gradient."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from harness.core.errors import SpecError
from harness.core.output_specs import OutputSpecs
from harness.data import Split
from harness.growth.probe import Probe
from harness.losses import AbstractLoss, Batch, Weight
from harness.models import GrowableModel
from harness.models.teacher import teacher_of
from harness.training.combined_loss import combine_losses
from harness.training.forward import needs_of

__all__ = ["TrainedLoss"]


@dataclass(frozen=True)
class TrainedLoss:
    """All losses of a run, with the weights that they have at a step.

    Attributes:
        model: the network.
        losses: by name.
        specs: what the network's outputs predict before the growth.
        step: optimizer updates so far.
        growth_weights: the weights that growths gave to outputs.
    """

    model: GrowableModel
    losses: Mapping[str, AbstractLoss]
    specs: OutputSpecs
    step: int = 0
    growth_weights: Mapping[str, Weight] = field(default_factory=dict)

    def probe(self, train: Split, size: int) -> Probe:
        """Return the first `size` of the training examples that are used, with this loss of them.

        Raises:
            SpecError: a loss reads something else than outputs.
        """
        needs = needs_of(self.losses.values())
        if needs.taps:
            readers = ", ".join(name for name, loss in self.losses.items() if loss.taps)
            raise SpecError(
                f"expected losses of outputs for an operation that follows their gradient, found {readers}, which read "
                f"the features at {', '.join(needs.taps)}; grow by another operation"
            )
        examples = train.take((self.specs.label_map.arrival_of(train.labels) >= 0).nonzero().squeeze(1)[:size])
        teacher = teacher_of(self.model) if needs.teacher else None
        answers = None if teacher is None else teacher(examples.inputs)
        return Probe(examples.inputs, loss=lambda outputs: self._value(outputs, examples, answers))

    def _value(self, outputs: Mapping[str, Tensor], examples: Split, teacher: Mapping[str, Tensor] | None) -> Tensor:
        batch = Batch(
            outputs=outputs,
            inputs=examples.inputs,
            labels=examples.labels,
            specs=self.specs,
            targets=examples.targets,
            teacher=teacher,
        )
        learned = {name: torch.zeros(()) for name, loss in self.losses.items() if loss.learned_weight}
        combined = combine_losses(
            self.losses,
            batch,
            step=self.step,
            growth_weights=self.growth_weights,
            log_variances=learned | dict(self.model.log_variances.items()),
        )
        return combined.total
