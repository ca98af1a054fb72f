"""A unit that was chosen and trained by what the network gets wrong."""

from typing import Annotated, Any, Literal

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.growth.joined import joined
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Moments, Promise
from harness.growth.rollback import all_or_nothing
from harness.initializers import AbstractInitializer, LayerContext, TorchDefault
from harness.models.attributes import same_attributes
from harness.models.branches import BRANCHES, branches_of, root_of
from harness.models.call import call
from harness.models.cascade import CascadeUnit, Cascading
from harness.models.eval_mode import without_side_effects
from harness.models.head import ACTIVATIONS, Activation
from harness.models.paths import module_at
from harness.models.widened import output_parts

__all__ = ["AddCascadeUnit", "covariances"]


class AddCascadeUnit(AbstractOperation):
    """Add a unit that reads all that the layer `reader` is given, and whose answer that layer reads as well.

    Cascade correlation (Fahlman and Lebiere, 1990): several candidates are trained to vary with what is wrong in the
    layer's outputs, on the examples of the probe; the best one stays, and its incoming weights never change again.
    What is wrong is minus the gradient of the loss for the outputs, which for squared errors is the residual. The new
    column of the layer begins at zero, so outputs are the same but for rounding; in the paper its sign is that of the
    covariance.
    The next unit reads this one, too. For a network of one linear layer this is the architecture of the paper.

    Attributes:
        name: of the unit, whose path is `branches.<name>`.
        reader: the path of a linear layer, such as the output layer.
        candidates: how many are drawn and trained.
        steps: of training by Rprop (the paper has Quickprop) on all examples at once; 0 draws the unit.
        activation: of the unit.
        init: fills the candidates' weights; biases begin at zero.
        moments: of the new column, see `Carried`.
        output: the name of the output that the probe's targets belong to; the first unless given.
    """

    kind: Literal["add_cascade_unit"] = "add_cascade_unit"
    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    reader: str
    candidates: PositiveInt = 8
    steps: NonNegativeInt = 200
    activation: Activation = "tanh"
    init: AbstractInitializer = TorchDefault()
    moments: Moments = "zero"
    output: str | None = None

    def promise(self) -> Promise:
        """Return that outputs are the same but for rounding."""
        return Promise.CLOSE

    @property
    def reads_loss(self) -> bool:
        """Whether candidates are trained, or compared."""
        return self.candidates > 1 or self.steps > 0

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:
        """Add the unit. Raises `ModulePathError` for an impossible reader, `SpecError` without a loss of examples."""
        if probe is None:
            raise SpecError("expected examples to train candidates on, found none; give probe=Probe(inputs, targets)")
        before = list(model.parameters())
        with all_or_nothing(model):
            parts = output_parts(model, self.reader)
            given, wrong = self._seen(model, probe)
            weight, bias = self._best(given, wrong, generator)
            like = parts[0].weight.detach()
            unit = CascadeUnit(weight.to(like), bias.to(like), self.activation).requires_grad_(False)
            branches = branches_of(root_of(model))
            if hasattr(branches, self.name):
                raise SpecError(f"expected a new name for the unit, found {self.name!r}, which exists; choose another")
            branches.add_module(self.name, unit.train(model.training))
            carried = joined(model, self.reader, Cascading(branches, f"{BRANCHES}.{self.name}"), probe, self.moments)
        return Growth.between(before, model, carried=carried)

    def _seen(self, model: nn.Module, probe: Probe) -> tuple[Tensor, Tensor]:
        """Return what the reader is given, `[N, F]`, and what is wrong in its outputs, `[N, O]`; float64 on the CPU."""
        seen: list[tuple[Tensor, Tensor]] = []

        def look(_module: nn.Module, args: tuple[Any, ...], outputs: Tensor) -> Tensor:
            own = outputs.detach().requires_grad_(True)
            seen.append((args[0].detach(), own))
            return own

        handle = module_at(model, self.reader).register_forward_hook(look)
        try:
            with without_side_effects(model, probe.inputs), same_attributes(model), torch.enable_grad():
                returned = call(model, probe.inputs)
                if not seen:
                    raise SpecError(f"expected the layer {self.reader!r} to be called, found that it is not")
                given, outputs = seen[-1]
                slope = self._slope(probe, returned, outputs) if self.reads_loss else torch.zeros_like(outputs)
        finally:
            handle.remove()
        flat = given.flatten(0, -2).double().cpu(), -slope.flatten(0, -2).double().cpu()
        return flat[0], flat[1] * len(flat[1])

    def _slope(self, probe: Probe, returned: Any, outputs: Tensor) -> Tensor:
        loss = probe.loss_of(returned, self.output)
        return torch.autograd.grad(loss, outputs, materialize_grads=True, allow_unused=True)[0]

    def _best(self, given: Tensor, wrong: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the weight `[1, F]` and the bias `[1]` of the candidate whose answers vary most with what is wrong."""
        features = given.shape[1]
        drawn = self.init.values((self.candidates, features), LayerContext(features, 1), generator)
        weight, bias = drawn.double(), torch.zeros(self.candidates, dtype=torch.float64)
        search = torch.optim.Rprop([weight, bias])
        activation = ACTIVATIONS[self.activation]()
        with torch.enable_grad(), torch.inference_mode(mode=False):
            for _ in range(self.steps):
                leaves = [weight.detach().requires_grad_(True), bias.detach().requires_grad_(True)]
                size = covariances(activation(given @ leaves[0].T + leaves[1]), wrong).sum()
                weight.grad, bias.grad = (-slope for slope in torch.autograd.grad(size, leaves))
                search.step()
        best = int(covariances(activation(given @ weight.T + bias), wrong).argmax())
        return weight[best : best + 1].float(), bias[best : best + 1].float()


def covariances(answers: Tensor, wrong: Tensor) -> Tensor:
    """Return `[N]`: the sum over outputs of the size of the covariance of each of N units with what is wrong.

    Equation 1 of Fahlman and Lebiere (1990), as a mean over examples instead of a sum.

    Args:
        answers: `[B, N]` of the units.
        wrong: `[B, O]` of each output.
    """
    found = (answers - answers.mean(0)).T @ (wrong - wrong.mean(0)) / len(answers)
    # Not `abs`, whose slope at zero is zero: a unit that does not vary with the error at all would never begin to.
    return torch.where(found < 0, -found, found).sum(1)
