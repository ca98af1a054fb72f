"""What losses keep of what was learned, before a growth brings something new."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from harness.core.output_specs import OutputSpecs
from harness.core.seeding import generator
from harness.core.transfer import to_device
from harness.data import Split, TaskData
from harness.losses import Batch, Learned, SeenExample
from harness.models.eval_mode import eval_mode
from harness.training.combined_loss import combine_losses
from harness.training.config import TrainingConfig
from harness.training.forward import forward_batch, needs_of
from harness.training.loss_states import begun
from harness.training.state import TrainState

__all__ = ["before_arrival"]


def before_arrival(state: TrainState, config: TrainingConfig, data: TaskData, specs: OutputSpecs) -> None:
    """Let the losses that keep a state take into it what the network has learned by now; nothing else is changed.

    They may look at the training examples of what arrived last, in a random order of their own.

    Raises:
        SpecError: a loss cannot make anything of what is trained.
    """
    keepers = {name: loss for name, loss in config.losses.items() if loss.keeps_state}
    if not keepers:
        return
    # cuDNN computes no gradient of a recurrent layer in eval mode.
    state.loss_states = begun(state.loss_states, config.losses, state.learnable)
    with eval_mode(state.model), _thawed(state), torch.backends.cudnn.flags(enabled=False):
        values = {key: parameter.detach().clone() for key, parameter in state.learnable.items()}
        learned = Learned(values, functools.partial(_examples, state, config, data.train, specs))
        for name, loss in keepers.items():
            state.loss_states[name] = loss.before_arrival(state.loss_states[name], learned)


@contextmanager
def _thawed(state: TrainState) -> Iterator[None]:
    """Let all that may ever be trained have gradients in the block: what is frozen now may be thawed later."""
    frozen = [parameter for parameter in state.learnable.values() if not parameter.requires_grad]
    try:
        for parameter in frozen:
            parameter.requires_grad_(True)
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)


def _examples(
    state: TrainState, config: TrainingConfig, train: Split, specs: OutputSpecs, count: int
) -> Iterator[SeenExample]:
    """Yield what the network makes of `count` examples of what arrived last, one by one."""
    wanted = {name: loss for name, loss in config.losses.items() if not loss.is_penalty}
    needs = needs_of(wanted.values())
    single = replace(state, precision="fp32")  # gradients of one example underflow in 16 bits
    parameters = state.learnable
    for index in _latest(state, train, specs)[:count].split(1):
        batch = forward_batch(single, train.take(index), specs, needs)
        found = {name: loss.predictions(name, batch) for name, loss in wanted.items()}
        predictions = {name: values for name, values in found.items() if values is not None}
        logits = {name: values for name, values in predictions.items() if wanted[name].classifies}
        yield SeenExample(_loss(state, batch, config), predictions, logits, parameters)


def _latest(state: TrainState, train: Split, specs: OutputSpecs) -> Tensor:
    """Return the indices of the training examples of what arrived last, in a random order."""
    arrival = specs.label_map.arrival_of(train.labels)
    newest = specs.label_map.arrivals[-1] if specs.label_map.arrivals else 0
    latest = (arrival == newest).nonzero().squeeze(1)
    order = torch.randperm(len(latest), generator=generator(state.seed, "arrival", len(state.lineage)))
    shuffled = latest[to_device(order, latest.device)]
    outside = train.source is not None and not train.source.in_memory
    return shuffled.cpu() if outside else shuffled


def _loss(state: TrainState, batch: Batch, config: TrainingConfig) -> Tensor:
    """Return the weighted sum of the losses that are no penalties."""
    losses = {name: loss for name, loss in config.losses.items() if not loss.is_penalty}
    weights = dict(state.model.log_variances.items())
    return combine_losses(
        losses, batch, step=state.step, growth_weights=state.loss_weights, log_variances=weights
    ).total
