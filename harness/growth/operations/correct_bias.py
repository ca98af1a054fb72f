"""The outputs of rows that came late are brought to the level of the earlier ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from pydantic import NonNegativeFloat, NonNegativeInt
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.growth.computed_weights import grown_as_plain
from harness.growth.new_rows import late_rows, renewed
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Carried, Growth, Promise
from harness.models.attributes import same_attributes
from harness.models.call import call
from harness.models.eval_mode import without_side_effects
from harness.models.output_layer import OutputLayer, check_renewable
from harness.models.paths import module_at
from harness.models.widened import output_parts

__all__ = ["CorrectBias"]

ITERATIONS = 100


class CorrectBias(AbstractOperation):
    """Turn each output z from `first` on of the output layer at `path` into `scale * z + shift`.

    Bias correction (BiC, arXiv 1905.13260): classes that were learned last have larger logits. Both numbers are those
    with which the loss of the probe is lowest, at a point where nothing else changes. In a study the probe has the
    examples that the memory holds out (`training.memory.held_out`), and its loss is the cross-entropy of all classes.
    Scale and shift become a part of the rows, which are trained on with them; the paper keeps them apart. The lineage
    has what was found. Rows keep their moments.

    Attributes:
        scale: the paper's alpha; found by looking at examples unless given.
        shift: the paper's beta; found by looking at examples unless given. A layer without biases needs `shift=0.0`.
        decay: adds `decay / 2 * ((scale - 1)^2 + shift^2)` to the loss: few examples may all be told apart, and then
            no scale is large enough.
        output: the name of the output that the probe's targets belong to; the first unless given.
    """

    kind: Literal["correct_bias"] = "correct_bias"
    path: str
    first: NonNegativeInt
    scale: float | None = None
    shift: float | None = None
    decay: NonNegativeFloat = 0.001
    output: str | None = None

    def promise(self) -> Promise:
        """Return nothing: the late columns change."""
        return Promise.NONE

    @property
    def reads_loss(self) -> bool:
        """Whether a number is still to be found."""
        return self.scale is None or self.shift is None

    @property
    def reads_held_out(self) -> bool:
        """Whether a number is still to be found."""
        return self.reads_loss

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:  # noqa: ARG002
        """Correct them. Raises `ModulePathError` for an impossible layer, `SpecError` without late rows or examples."""
        return grown_as_plain(model, lambda: self._grow(model, probe))

    def _grow(self, model: nn.Module, probe: Probe | None) -> Growth:
        parts, before = output_parts(model, self.path), list(model.parameters())
        late = late_rows(parts, self.first, self.path)
        self._check(model, parts, late)
        scale, shift = self._numbers(model, probe)
        carried: tuple[Carried, ...] = ()
        for part, begin in late:
            weight, bias = part.weight.detach().clone(), None if part.bias is None else part.bias.detach().clone()
            weight[begin:] *= scale
            if bias is not None:
                bias[begin:] = bias[begin:] * scale + shift
            carried += renewed(model, part, weight, bias, moments="zero")
        chosen = self.model_copy(update={"scale": scale, "shift": shift})
        return Growth.between(before, model, carried=carried, chosen=chosen)

    def _check(self, model: nn.Module, parts: tuple[OutputLayer, ...], late: list[tuple[OutputLayer, int]]) -> None:
        if not late:
            rows = sum(len(part.weight) for part in parts)
            raise SpecError(f"expected first={self.first} below the {rows} rows of {self.path!r}; lower it")
        for part, _ in late:
            check_renewable(part, self.path, model, ("weight", "bias"), "correct another layer")
            if part.bias is None and self.shift != 0:
                raise SpecError(f"expected biases at {self.path!r} to shift, found none; set shift=0.0")

    def _numbers(self, model: nn.Module, probe: Probe | None) -> tuple[float, float]:
        """Return scale and shift, of which those that are not given lower the loss of the probe most."""
        if self.scale is not None and self.shift is not None:
            return self.scale, self.shift
        if probe is None:
            raise SpecError("expected examples to find scale and shift, found none; give probe=Probe(inputs, targets)")
        given = [1.0 if self.scale is None else self.scale, 0.0 if self.shift is None else self.shift]
        free = torch.tensor([self.scale is None, self.shift is None])
        numbers = torch.tensor(given, dtype=torch.float64)
        search = torch.optim.LBFGS([numbers], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

        def loss() -> Tensor:
            asked = numbers.detach().requires_grad_(True)
            with self._corrected(model, asked), without_side_effects(model, probe.inputs), torch.enable_grad():
                value = probe.loss_of(call(model, probe.inputs), self.output).double()
                value = value + self.decay / 2 * (asked - asked.new_tensor([1.0, 0.0])).square().sum()
                (slope,) = torch.autograd.grad(value, asked)
            numbers.grad = slope * free
            return value.detach()

        with same_attributes(model):
            search.step(loss)
        scale, shift = numbers.tolist()
        return scale, shift

    @contextmanager
    def _corrected(self, model: nn.Module, numbers: Tensor) -> Iterator[None]:
        """Let the layer return what it would with these `numbers` `[2]`, scale and shift."""
        layer = module_at(model, self.path)
        dim = -1 if isinstance(output_parts(model, self.path)[0], nn.Linear) else -3

        def correct(_module: nn.Module, _args: Any, outputs: Tensor) -> Tensor:
            scale, shift = numbers.to(outputs)
            early, late = outputs.split([self.first, outputs.shape[dim] - self.first], dim=dim)
            return torch.cat([early, late * scale + shift], dim=dim)

        handle = layer.register_forward_hook(correct)
        try:
            yield
        finally:
            handle.remove()
