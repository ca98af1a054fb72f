"""More depth by copies of layers."""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from pydantic import NonNegativeInt, model_validator
from torch import Tensor, nn

from harness.core.errors import ModulePathError, SpecError
from harness.core.spec import did_you_mean
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Copied, Growth, Promise
from harness.growth.rollback import all_or_nothing
from harness.models.call import call
from harness.models.eval_mode import without_side_effects
from harness.models.layer_copies import copied_layer, pairs_of_parameters
from harness.models.layer_stack import check_alike, rearrange, stack_at
from harness.models.lora import adapter_names, factors, is_lora

__all__ = ["DuplicateLayers"]


class DuplicateLayers(AbstractOperation):
    """Copy layers of the `nn.ModuleList` or `nn.Sequential` at `path`, which then has that many more.

    Stacking puts the copies after the last of these layers (Gong et al., Efficient training of BERT by progressively
    stacking, ICML 2019; arXiv 2110.07143); interleaving puts each after its original (arXiv 2405.15319 compares both).
    The network then computes something else. With `zeroed` it computes the same: where layers add to a residual stream,
    and what writes to it begins at zero in the copies (block expansion, arXiv 2401.02415). The probe proves that.

    Indices that layers note of themselves, such as `layer_idx`, the number of layers in the network's config, and taps
    of heads follow. What a layer shares with the rest of the network, its copy shares, too.

    Attributes:
        layers: indices of the layers that are copied; all by default.
        order: whether the copies come after the last of these layers, or each after its own original.
        moments: `carried` lets each copy go on as its original, in its group and with a copy of its moments; `fresh`
            gives copies a group of their own with the settings of that one, without moments.
        zeroed: paths, within a layer, of modules whose own weights and biases are zero in the copies.
    """

    kind: Literal["duplicate_layers"] = "duplicate_layers"
    path: str
    layers: tuple[NonNegativeInt, ...] | None = None
    order: Literal["stack", "interleave"] = "stack"
    moments: Literal["carried", "fresh"] = "carried"
    zeroed: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> "DuplicateLayers":
        if self.layers is not None and (not self.layers or len(set(self.layers)) < len(self.layers)):
            raise ValueError(f"expected layers to copy, each once, found {list(self.layers)}")
        return self

    def promise(self) -> Promise:
        """Return nothing, unless modules that begin at zero keep what the network computes."""
        return Promise.CLOSE if self.zeroed else Promise.NONE

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:  # noqa: ARG002
        """Copy them. Raises `ModulePathError` for no such layers or if the network cannot do with more of them."""
        if probe is None:
            raise SpecError("expected inputs to see that the network runs with more layers, found none; give a probe")
        old, before = list(stack_at(model, self.path)), list(model.parameters())
        chosen = self._chosen(old)
        twins = {index: self._twin(model, old[index], index) for index in chosen}
        sources = self._sources(len(old), chosen)
        outputs = _outputs(model, probe) if self.zeroed else {}
        layers, placed = [], set[int]()
        for source in sources:
            layers.append(twins[source] if source in placed else old[source])
            placed.add(source)
        with all_or_nothing(model):
            rearrange(model, self.path, layers, sources)
            self._check(model, probe, twins, outputs)
        pairs = [pair for index, twin in twins.items() for pair in pairs_of_parameters(old[index], twin)]
        extends = {new: original for original, new in pairs}
        return Growth.between(before, model, copied=self._copied(pairs, twins), extends=extends)

    def _chosen(self, old: Sequence[nn.Module]) -> list[int]:
        chosen = list(range(len(old))) if self.layers is None else sorted(self.layers)
        if chosen[-1] >= len(old):
            raise SpecError(f"expected layers below {len(old)}, as many as {self.path!r} has, found {chosen[-1]}")
        check_alike(old, chosen, self.path)
        return chosen

    def _sources(self, have: int, chosen: Sequence[int]) -> list[int]:
        """Return, for each layer afterwards, the old layer that it is or is a copy of; the copy comes second."""
        if self.order == "stack":
            return [*range(chosen[-1] + 1), *chosen, *range(chosen[-1] + 1, have)]
        return [index for index in range(have) for _ in range(1 + (index in chosen))]

    def _twin(self, model: nn.Module, layer: nn.Module, index: int) -> nn.Module:
        twin = copied_layer(model, layer, f"{self.path}.{index}")
        with torch.no_grad():
            for parameter in self._begin_at_zero(twin, index):
                parameter.zero_()
        return twin

    def _begin_at_zero(self, twin: nn.Module, index: int) -> list[nn.Parameter]:
        """Return the parameters of a copy that are zero."""
        known = dict(twin.named_modules())
        zeros = []
        for name in self.zeroed:
            own = _writing(known[name]) if name in known else []
            if not own:
                raise ModulePathError(
                    f"expected a module with weights of its own at {name!r} in the layer {index} of {self.path!r}, "
                    f"found none.{did_you_mean(name, filter(None, known))}"
                )
            zeros += own
        return zeros

    def _copied(
        self, pairs: Sequence[tuple[nn.Parameter, nn.Parameter]], twins: Mapping[int, nn.Module]
    ) -> tuple[Copied, ...]:
        if self.moments == "fresh":
            return ()
        fresh = {id(parameter) for index, twin in twins.items() for parameter in self._begin_at_zero(twin, index)}
        return tuple(Copied(old, new) for old, new in pairs if id(new) not in fresh)

    def _check(
        self, model: nn.Module, probe: Probe, twins: Mapping[int, nn.Module], outputs: Mapping[str, Tensor]
    ) -> None:
        """Check that the network runs, calls all copies, and still returns `outputs`.

        Raises:
            ModulePathError: it does not.
        """
        called: set[int] = set()
        hooks = [twin.register_forward_hook(lambda module, *_: called.add(id(module))) for twin in twins.values()]
        try:
            after = _outputs(model, probe)
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise ModulePathError(
                f"expected a network that runs with more layers at {self.path!r}, found that it cannot: {reason}; "
                "copy layers whose outputs fit their inputs"
            ) from None
        finally:
            for hook in hooks:
                hook.remove()
        if missed := [index for index, twin in twins.items() if id(twin) not in called]:
            raise ModulePathError(
                f"expected a network that calls all layers at {self.path!r}, found that it does not call the copy of "
                f"layer {missed[0]}; it counts them elsewhere"
            )
        changed = [name for name, value in outputs.items() if not _close(value, after.get(name))]
        if changed:
            raise ModulePathError(
                f"expected the same outputs with {list(self.zeroed)} at zero in the copies at {self.path!r}, found "
                f"another {changed[0]}; name all that a layer adds to its input, or leave `zeroed` out"
            )


def _writing(module: nn.Module) -> list[nn.Parameter]:
    """Return the parameters by which `module` writes its outputs: its own, or those of a layer with adapters."""
    if not is_lora(module):
        return list(module.parameters(recurse=False))
    base = list(module.get_submodule("base_layer").parameters(recurse=False))
    return base + [factors(module, adapter)[1].tensor for adapter in adapter_names(module)]


def _outputs(model: nn.Module, probe: Probe) -> dict[str, Tensor]:
    """Return the tensors that `model` returns for the probe, by name or number."""
    with without_side_effects(model, probe.inputs):
        returned = call(model, probe.inputs)
    if isinstance(returned, Tensor):
        return {"output": returned}
    parts = returned.items() if isinstance(returned, Mapping) else enumerate(returned)
    return {f"output {name!r}": value for name, value in parts if isinstance(value, Tensor)}


def _close(old: Tensor, new: Tensor | None) -> bool:
    tolerance = 64 * torch.finfo(old.dtype).eps if old.is_floating_point() else 0.0
    return new is not None and old.shape == new.shape and torch.allclose(old, new, rtol=tolerance, atol=tolerance)
