"""Scores of growths that are tried at an evaluation, and undone."""

from collections.abc import Sequence

import torch
from torch import Tensor

from harness.core.output_specs import OutputSpecs
from harness.core.seeding import generator
from harness.data import TaskData
from harness.growth.probe import Probe
from harness.growth.rollback import undone
from harness.models.attributes import same_attributes
from harness.models.call import call
from harness.models.eval_mode import without_side_effects
from harness.training.config import TrainingConfig
from harness.training.natural_expansion import NaturalExpansion
from harness.training.probe_loss import TrainedLoss
from harness.training.rehearsal import without_forgotten
from harness.training.state import TrainState

__all__ = ["expansion_scores", "natural_score"]


def expansion_scores(state: TrainState, data: TaskData, config: TrainingConfig, specs: OutputSpecs) -> dict[str, float]:
    """Return `expansion/<name>` and `expansion_gain/<name>` of the growths that are to be tried; nothing is changed.

    Raises:
        InputError: an operation is impossible on the network, or a loss reads something else than outputs.
    """
    scores: dict[str, float] = {}
    for name, tried in config.record_expansions.items():
        before, after = _before_and_after(state, without_forgotten(state, data, config, specs), config, specs, tried)
        scores |= {f"expansion/{name}": after / before if before else 1.0, f"expansion_gain/{name}": after - before}
    return scores


def natural_score(gradients: Tensor, damping: float) -> float:
    """Return g F^-1 g, given the products `[N, N]` of the gradients of N examples, and what is added to F's diagonal.

    F is the mean of the products of a gradient with itself. With G `[N, P]` the gradients and K = G G', g F^-1 g is
    1/N^2 1' K (K / N + damping)^-1 1, in which nothing has the size of F.
    """
    count = len(gradients)
    ones = torch.ones(count, dtype=torch.float64)
    solved = torch.linalg.solve(gradients / count + damping * torch.eye(count, dtype=torch.float64), ones)
    return float(ones @ gradients @ solved) / count**2


def _before_and_after(
    state: TrainState, data: TaskData, config: TrainingConfig, specs: OutputSpecs, tried: NaturalExpansion
) -> tuple[float, float]:
    loss = TrainedLoss(state.model, config.losses, specs, state.step, state.loss_weights)
    whole = loss.probe(data.train, tried.examples)
    single = [loss.probe(part, 1) for part in data.train.part(_seen(data, specs, tried.examples)).chunks(1)]
    before = _products(state, single)
    damping = tried.damping * float(before.trace()) / len(before)
    with undone(state.model):
        stream = generator(state.seed, "expansion", state.step)
        tried.operation.apply(state.model, probe=whole, generator=stream)
        after = _products(state, single)
    return natural_score(before, damping), natural_score(after, damping)


def _seen(data: TaskData, specs: OutputSpecs, count: int) -> Tensor:
    return (specs.label_map.arrival_of(data.train.labels) >= 0).nonzero().squeeze(1)[:count]


def _products(state: TrainState, examples: Sequence[Probe]) -> Tensor:
    """Return `[N, N]` float64 on the CPU: the products of the gradients of the examples' losses."""
    model = state.model
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    gradients = []
    for probe in examples:
        with without_side_effects(model, probe.inputs), same_attributes(model), torch.enable_grad():
            loss = probe.loss_of(call(model, probe.inputs))
        gradients.append(torch.autograd.grad(loss, trained, materialize_grads=True, allow_unused=True))
    products = torch.zeros(len(examples), len(examples), dtype=torch.float64)
    for of_parameter in zip(*gradients, strict=True):
        rows = torch.stack([gradient.flatten() for gradient in of_parameter]).double()
        products += (rows @ rows.T).cpu()
    return products
