"""A new head at any tap."""

from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Promise
from harness.initializers import AbstractInitializer, LayerContext, XavierUniform, Zeros, fill, fill_linear
from harness.models.growable import GrowableModel
from harness.models.head import Activation, Head, linear_layers, pooled
from harness.models.taps import features_at

__all__ = ["AttachHead"]


class AttachHead(AbstractOperation):
    """Attach a head of `outputs` outputs at `tap`; all earlier outputs stay the same to the bit.

    Feature maps and sequences are averaged to `[B, F]`. The head has `width` hidden units; with 0 it is linear. `init`
    fills the weights, `output_init` those of the last layer if it is given, `bias` the biases of the last layer; hidden
    biases are zero. Initializers of the last layer see its inputs for the probe, and the probe's targets. With
    `stop_gradient` no gradient of the head reaches the layers below the tap.
    """

    kind: Literal["attach_head"] = "attach_head"
    name: str
    outputs: PositiveInt
    tap: str
    width: NonNegativeInt = 0
    activation: Activation = "relu"
    dropout: Annotated[NonNegativeFloat, Field(lt=1)] = 0.0
    init: AbstractInitializer = XavierUniform()
    output_init: AbstractInitializer | None = None
    bias: AbstractInitializer = Zeros()
    stop_gradient: bool = False

    @model_validator(mode="after")
    def _can_learn(self) -> "AttachHead":
        if self.width and self.init.silences:
            raise ValueError("expected hidden weights that differ, found init='zeros'; set output_init to zeros")
        return self

    def promise(self) -> Promise:
        """Return that all earlier outputs stay the same to the bit."""
        return Promise.EXACT

    def new_outputs(self) -> Mapping[str, int]:
        """Return the head's columns by its name."""
        return {self.name: self.outputs}

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:
        """Add the head. Raises `TapNotFoundError` for an impossible tap, `SpecError` for a name that is taken."""
        if not isinstance(model, GrowableModel):
            raise SpecError(
                f"expected a GrowableModel to attach a head to, found {type(model).__name__}; "
                "wrap it: model = GrowableModel(model, output='known')"
            )
        if probe is None:
            raise SpecError("expected inputs to find the size of a tap, found none; give probe=Probe(inputs)")
        before = list(model.parameters())
        features = features_at(model.backbone, self.tap, probe.inputs).float().cpu()
        head = self._head(pooled(features), probe.targets, generator)
        model.attach(self.name, head.to(before[0].device, model.dtype), self.tap)
        return Growth.between(before, model, outputs=(self.name,))

    def _head(self, features: Tensor, targets: Tensor | None, generator: torch.Generator) -> Head:
        """Return the head for features `[B, F]`, filled from the first layer to the last."""
        hidden = (self.width,) if self.width else ()
        # Building a layer draws from the global generator, for values that are overwritten here.
        with torch.random.fork_rng(devices=[]):
            sizes = (features.shape[1], *hidden, self.outputs)
            head = Head(sizes, self.activation, self.dropout, stop_gradient=self.stop_gradient)
        for layer in linear_layers(head.layers):
            fill_linear(layer, self.init, generator=generator)
        with torch.no_grad():
            inputs = head.eval().layers(features)
        on_cpu = None if targets is None else targets.cpu()
        context = LayerContext(inputs.shape[1], self.outputs, features=inputs, targets=on_cpu)
        fill(head.output.weight, self.output_init or self.init, context, generator=generator)
        fill(head.output.bias, self.bias, context, generator=generator)
        return head.train()
