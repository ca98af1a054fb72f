"""More units or channels for a hidden layer."""

from typing import ClassVar, Literal

import torch
from pydantic import PositiveInt, model_validator
from torch import Tensor, nn

from harness.core.errors import InputError, ModulePathError, SpecError
from harness.growth.computed_weights import grown_as_plain
from harness.growth.consumers import Layer, consumers
from harness.growth.linear_path import path_gradients
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Carried, Growth, Moments, Promise
from harness.growth.resized import check_followers, surroundings, with_inputs, with_statistics, with_units
from harness.growth.rollback import undone
from harness.growth.spaces.both_modes import in_either_mode
from harness.growth.spaces.proof import TrainModeError, function_kept, kept_in_training
from harness.growth.spaces.wanted import Wanted
from harness.growth.spaces.widening import Widening, widen_space
from harness.growth.tracing import Trace, trace
from harness.growth.units import AbstractUnits, CopiedUnits
from harness.models.growable import GrowableModel
from harness.models.paths import full_path, module_at
from harness.models.train_view import has_train_view, shows_training

__all__ = ["WidenLayer"]

CountingNorm = nn.InstanceNorm1d | nn.InstanceNorm2d | nn.InstanceNorm3d


class WidenLayer(AbstractOperation):
    """Give a layer more units, and the layers that read them more inputs.

    `path` names a linear layer, a convolution or an embedding; or an attention module, whose units are key-value heads,
    each with the query heads that read it. Norms in between get new entries as well: for a copied unit those of its
    original; for any other unit scale and variance one, shift and mean zero.

    What must grow is found by tracing the network with `torch.fx` (`harness.growth.consumers`). Where that is not
    possible, it is found by calling the network (`harness.growth.spaces`), and proved: the network must compute for the
    probe what it computed before. What reads the units in train mode alone is found and proved likewise. If something
    cannot grow, the error names it and nothing is changed.

    The modules stay the same objects with bigger tensors, in which old entries keep their moments.

    Attributes:
        by: the number of new units; or
        to: the number of units afterwards.
        together: other layers that write to the same units, which get as many, such as all that write to a residual
            stream; `"all"` is all of them. The other factor of a gate needs not be named.
        readers: the layers that read the units; nothing else may read them. Found unless given.
        rows: how many outputs of the layer a unit is, such as the size of a head.
        method: how the weights around the new units get their values.
        moments: which moments new entries have, see `Carried`.
    """

    kind: Literal["widen_layer"] = "widen_layer"
    later: ClassVar[tuple[str, ...]] = ("together", "readers", "rows")
    path: str
    by: PositiveInt | None = None
    to: PositiveInt | None = None
    together: tuple[str, ...] | Literal["all"] = ()
    readers: tuple[str, ...] = ()
    rows: PositiveInt = 1
    method: AbstractUnits = CopiedUnits()
    moments: Moments = "zero"

    @model_validator(mode="after")
    def _one_size(self) -> "WidenLayer":
        if (self.by is None) == (self.to is None):
            raise ValueError(f"expected either by or to, found by={self.by} to={self.to}")
        return self

    def promise(self) -> Promise:
        """Return what the method promises."""
        return self.method.promise()

    @property
    def reads_loss(self) -> bool:
        """Whether the method's values follow from the loss."""
        return self.method.reads_loss

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:
        """Widen the layer. Raises `ModulePathError` where it is impossible, `SpecError` for an impossible size."""
        if probe is None:
            raise SpecError("expected inputs to see what the layer's readers are, found none; give probe=Probe(inputs)")
        return in_either_mode(generator, lambda: grown_as_plain(model, lambda: self._grow(model, probe, generator)))

    def _grow(self, model: nn.Module, probe: Probe, generator: torch.Generator) -> Growth:
        before, refusal = list(model.parameters()), ""
        layer = module_at(model, self.path)
        if isinstance(layer, Layer) and (traced := self._traced(model, layer, probe)):
            try:
                carried = self._widened_as_proved(model, layer, traced, probe, generator)
                return Growth.between(before, model, carried=carried)
            except TrainModeError:
                raise
            except ModulePathError as error:
                refusal = str(error)
        try:
            wanted = Wanted.of(model, self.path, self.together, self.readers, self.rows, self._added)
            widening = Widening(wanted, self.method, self.moments)
            carried = widen_space(model, probe, widening, generator)
        except InputError as error:
            kind: type[InputError] = TrainModeError if isinstance(error, TrainModeError) else ModulePathError
            kind = SpecError if isinstance(error, SpecError) and not refusal else kind
            raise kind(self._both(refusal, _with_short_paths(model, str(error)))) from None
        return Growth.between(before, model, carried=carried)

    def _both(self, traced: str, called: str) -> str:
        """Return why it is refused in one line: what the trace shows, and what calling the network shows besides."""
        if not traced:
            return called
        more = called.removeprefix(f"expected that {self.path!r} can get more units, found ").removeprefix("that ")
        return traced if more in traced else f"{traced}; {more}"

    def _traced(self, model: nn.Module, layer: Layer, probe: Probe) -> Trace | None:
        """Return the traced network, if it can be traced and nothing asks for more than that shows."""
        asked = self.together or self.readers or self.rows > 1 or getattr(layer, "groups", 1) > 1
        # A norm without tensors is a function to the tracer, and would keep its number of features.
        counting = any(isinstance(module, CountingNorm) and not module.affine for module in model.modules())
        if asked or counting or not isinstance(probe.inputs, Tensor):
            return None
        try:
            return trace(model, probe.inputs)
        except ModulePathError:
            return None

    def _widened_as_proved(
        self, model: nn.Module, layer: Layer, traced: Trace, probe: Probe, generator: torch.Generator
    ) -> tuple[Carried, ...]:
        """Widen the layer as the trace shows, and prove that in the other mode nothing else reads the units."""
        kept = function_kept if shows_training() else kept_in_training

        def widened(method: AbstractUnits, stream: torch.Generator) -> tuple[Carried, ...]:
            return self._widened_as_traced(model, layer, traced, probe, method, stream)

        what = f"{self._added(len(layer.weight))} more units at {self.path!r}"
        if self.method.promise() is not Promise.NONE:
            with kept(model, probe.inputs, what):
                return widened(self.method, generator)
        if has_train_view(model):
            with undone(model), kept(model, probe.inputs, what):
                widened(CopiedUnits(noise=0), torch.Generator())
        return widened(self.method, generator)

    def _widened_as_traced(
        self,
        model: nn.Module,
        layer: Layer,
        traced: Trace,
        probe: Probe,
        method: AbstractUnits,
        generator: torch.Generator,
    ) -> tuple[Carried, ...]:
        """Widen the layer and what reads it, as the trace shows."""
        added = self._added(len(layer.weight))
        followers = consumers(traced, full_path(model, self.path), added)
        check_followers(model, followers)
        around = surroundings(
            model, layer, followers, lambda output: path_gradients(model, traced, followers, probe, output)
        )
        new = method.units(around, added, generator)
        carried = with_units(layer, new.incoming, new.bias, self.moments)
        for norm in followers.norms:
            carried += with_statistics(model.get_submodule(norm.path), norm, new, self.moments)
        for reader, weight in zip(followers.layers, new.outgoing, strict=True):
            carried += with_inputs(model.get_submodule(reader.path), reader, weight, self.moments)
        return carried

    def _added(self, units: int) -> int:
        if self.by is not None:
            return self.by
        if self.to is None or self.to <= units:
            raise SpecError(f"expected to={self.to} to exceed the units of {self.path!r}, found {units} of them")
        return self.to - units


def _with_short_paths(model: nn.Module, words: str) -> str:
    return words.replace("'backbone.", "'") if isinstance(model, GrowableModel) else words
