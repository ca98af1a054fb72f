"""Evaluation: it reads a network and changes nothing, neither modes nor random streams."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from harness.core.label_map import LabelMap
from harness.data import Split
from harness.losses import total
from harness.training.config import TrainingConfig
from harness.training.precision import autocast
from harness.training.state import TrainState

__all__ = ["CHUNK", "Forward", "accuracies", "evaluate", "outputs_of"]

Forward = Callable[[Split], dict[str, Tensor]]

CHUNK = 250  # activations that stay in a processor's cache: twice as fast as thousands at once


def evaluate(
    state: TrainState, split: Split, config: TrainingConfig, label_map: LabelMap, forward: Forward | None = None
) -> dict[str, float]:
    """Return the losses and accuracies of the network on `split`.

    `loss/<component>`, `loss_weighted/<component>` and `loss/total` speak of the examples whose class some head
    answers for; `accuracy/all` is the fraction of all examples that are classified rightly by the heads' logits side
    by side, `accuracy/<head>` the same among the examples of that head's classes. `forward` is the network's forward
    pass on a part of the split, if there is a shorter one.
    """
    outputs = outputs_of(state, split, forward)
    answerable = label_map.known(split.labels)
    within = {name: output[answerable] for name, output in outputs.items()}
    components = config.loss.components(within, split.labels[answerable], label_map)
    loss, weighted = total(components, state.loss_weights)
    results = {f"loss/{name}": value for name, value in components.items()}
    results |= {f"loss_weighted/{name}": value for name, value in weighted.items()}
    results |= {"loss/total": loss} | accuracies(outputs, split.labels, label_map)
    # One transfer for all values: each one on its own would make a GPU wait.
    values = torch.stack([value.double() for value in results.values()]).tolist()
    return dict(zip(results, values, strict=True))


def accuracies(outputs: dict[str, Tensor], labels: Tensor, label_map: LabelMap) -> dict[str, Tensor]:
    """Return `accuracy/all` and `accuracy/<head>`, each a fraction; a class without a head counts as wrong."""
    predicted = torch.cat([outputs[head] for head in label_map.heads], dim=1).argmax(dim=1)
    known = label_map.known(labels)
    safe = torch.where(known, labels, torch.zeros_like(labels))
    right = (predicted == label_map.column[safe]) & known
    results = {"accuracy/all": right.double().mean()}
    for index, head in enumerate(label_map.heads):
        own = known & (label_map.head[safe] == index)
        results[f"accuracy/{head}"] = (right & own).sum().double() / own.sum().clamp(min=1)
    return results


def outputs_of(state: TrainState, split: Split, forward: Forward | None = None) -> dict[str, Tensor]:
    """Return the network's outputs `[N, ...]` by name, in eval mode and 32 bits."""
    forward = forward or (lambda part: state.model(part.inputs))
    with _eval_mode(state.model), torch.no_grad(), autocast(state.precision, state.device):
        chunks = [forward(chunk) for chunk in split.chunks(CHUNK)]
    return {name: torch.cat([chunk[name] for chunk in chunks]).float() for name in chunks[0]}


@contextmanager
def _eval_mode(model: nn.Module) -> Iterator[None]:
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
