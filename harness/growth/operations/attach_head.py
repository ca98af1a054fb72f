"""A new head at any tap."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Promise
from harness.initializers import AbstractInitializer, LayerContext, XavierUniform, Zeros, fill, fill_linear
from harness.models.call import arguments, named_arguments
from harness.models.find_layout import find_layout
from harness.models.growable import GrowableModel
from harness.models.head import Activation, Head, linear_layers
from harness.models.layout import Layout, standard_layout
from harness.models.pooling import Pool, mask_in, pooled
from harness.models.taps import features_at

__all__ = ["AttachHead"]


class AttachHead(AbstractOperation):
    """Attach a head of `outputs` outputs at `tap`; all earlier outputs stay the same to the bit.

    The head has `width` hidden units; with 0 it is linear. `init` fills the weights, `output_init` those of the last
    layer if it is given, `bias` the biases of the last layer; hidden biases are zero. Initializers of the last layer
    see its inputs for the probe, and the probe's targets. The head has the type of the features at the tap.

    Attributes:
        pool: what becomes `[B, F]` of sequences and maps: the mean over positions, or the first or the last position.
        mask: the entry of the batch, or argument of the network, that is true at real positions `[B, T]`, or where its
            name speaks of padding, as `src_key_padding_mask`, at all others. Only real positions are pooled. It is read
            at each forward pass; a batch without it has none. `auto` is `attention_mask`, and in the decoder of a
            network with an encoder, `decoder_attention_mask`; None is never a mask.
        layout: of the features, such as `TBF`, if the operation cannot tell it; see `harness.models.layout`.
        call: which output of a module that is called more than once: 0 is the first, -1 the last.
        stop_gradient: whether no gradient of the head reaches the layers below the tap.
    """

    kind: Literal["attach_head"] = "attach_head"
    later: ClassVar[tuple[str, ...]] = ("pool", "mask", "layout", "call")
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
    pool: Pool = "mean"
    mask: str | None = "auto"
    layout: Layout | None = None
    call: int | None = None

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

    @property
    def reads_examples(self) -> bool:
        """Whether the last layer's initializers do."""
        return (self.output_init or self.init).reads_examples or self.bias.reads_examples

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:
        """Add the head. Raises `TapNotFoundError` for an impossible tap, `SpecError` for a name that is taken."""
        if not isinstance(model, GrowableModel):
            raise SpecError(
                f"expected a GrowableModel to attach a head to, found {type(model).__name__}; "
                "wrap it: model = GrowableModel(model, output='known')"
            )
        if probe is None:
            raise SpecError("expected inputs to find the size of a tap, found none; give probe=Probe(inputs)")
        before, backbone = list(model.parameters()), model.backbone
        features = features_at(backbone, self.tap, probe.inputs, nth=self.call)
        layout, mask = self._layout(backbone, features, probe.inputs), self._mask(backbone)
        given = mask_in(named_arguments(backbone, *arguments(backbone, probe.inputs)), mask)
        rows = pooled(features.float(), self.pool, layout, given).cpu()
        head = self._head(rows, probe.rows, generator, layout, mask)
        model.attach(self.name, head.to(features.device, features.dtype), self.tap)
        return Growth.between(before, model, outputs=(self.name,))

    def _layout(self, backbone: nn.Module, features: Tensor, inputs: Any) -> str | None:
        """Return the layout of the features, None for the standard one."""
        where = f"at tap {self.tap!r}"
        if self.layout is None:
            module, nth = backbone.get_submodule(self.tap), -1 if self.call is None else self.call
            layout = find_layout(backbone, module, inputs, features, where, nth=nth)
        elif len(self.layout) != features.dim():
            found = list(features.shape)
            raise SpecError(f"expected features {self.layout} {where}, found {found}; say another layout")
        else:
            layout = None if self.layout == standard_layout(features.dim()) else self.layout
        if self.pool != "mean" and features.dim() > 3:
            found = list(features.shape)
            raise SpecError(f"expected a sequence {where} for pool={self.pool!r}, found {found}; use 'mean'")
        return layout

    def _mask(self, backbone: nn.Module) -> str | None:
        """Return the name of the mask of the features."""
        if self.mask != "auto":
            return self.mask
        parts = self.tap.split(".")
        around = [backbone.get_submodule(".".join(parts[:i])) for i, part in enumerate(parts) if part == "decoder"]
        return "decoder_attention_mask" if any(hasattr(part, "encoder") for part in around) else "attention_mask"

    def _head(
        self, features: Tensor, targets: Tensor | None, generator: torch.Generator, layout: str | None, mask: str | None
    ) -> Head:
        """Return the head for features `[B, F]`, filled from the first layer to the last."""
        hidden = (self.width,) if self.width else ()
        sizes = (features.shape[1], *hidden, self.outputs)
        # Building a layer draws from the global generator, for values that are overwritten here.
        with torch.random.fork_rng(devices=[]):
            head = Head(
                sizes,
                self.activation,
                self.dropout,
                stop_gradient=self.stop_gradient,
                pool=self.pool,
                layout=layout,
                mask=mask,
                call=self.call,
            )
        for layer in linear_layers(head.layers):
            fill_linear(layer, self.init, generator=generator)
        with torch.no_grad():
            inputs = head.eval().layers(features)
        context = LayerContext(inputs.shape[1], self.outputs, features=inputs, targets=targets)
        fill(head.output.weight, self.output_init or self.init, context, generator=generator)
        fill(head.output.bias, self.bias, context, generator=generator)
        return head.train()
