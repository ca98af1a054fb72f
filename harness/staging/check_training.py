"""Whether a network can be trained as a run says, tried with one update before anything is trained."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from harness.core.digest import canonical_json
from harness.core.errors import SpecError
from harness.core.history import History
from harness.core.output_specs import OutputSpecs
from harness.data import Split, TaskData
from harness.data.augment import augmented
from harness.losses import Batch
from harness.models import GrowableModel
from harness.models.eval_mode import gpus_of
from harness.staging.in_words import of_field
from harness.staging.run import RunConfig
from harness.training.combined_loss import LossCombination
from harness.training.contract import Contract
from harness.training.forward import forward_batch, needs_of
from harness.training.loss_states import begun
from harness.training.state import TrainState, fresh_state
from harness.training.step import set_learning_rates
from harness.training.update import Update

__all__ = ["check_training", "what_is_tried"]

FEW = 8  # examples: what fails with them is tried with a whole batch


def check_training(
    config: RunConfig, model: GrowableModel, specs: OutputSpecs, data: TaskData, *, updated: bool = True
) -> None:
    """Compute the gradient of `model` for a few training examples, make one update, and take it back.

    Random streams, values of the network and its modes are as they were. Whether losses are finite is not asked: that
    is an outcome of a run.

    Args:
        config: of the run, with device and precision resolved.
        model: its network, before the first growth or after any.
        specs: what the network's outputs predict.
        data: on the network's device.
        updated: whether the update is made, too, which takes most of the time where a network is large.

    Raises:
        SpecError: an augmentation, the network in train mode, a loss, the optimizer or the schedule fails; the message
            says which, and in which line of the user's own code.
    """
    visible = specs.label_map.known(data.train.labels).nonzero().squeeze(1).cpu()
    size = config.training.batch_size
    with _streams_kept(model), _as_before(model):
        try:
            _try(config, model, specs, _spread(data.train, visible, min(size, FEW)), updated=updated)
        except SpecError:
            if size <= FEW:
                raise
            _try(config, model, specs, _spread(data.train, visible, size), updated=updated)


def what_is_tried(config: RunConfig, growths: int) -> str:
    """Name what decides whether a step can be computed after so many growths: no trigger, freezing or learning rate."""
    training = config.training.model_copy(update={"optimizer": config.training.optimizer.model_copy(update={"lr": 1})})
    without = config.model_copy(update={"growths": (), "training": training})
    grown = [{**rule.to_json(), "trigger": None, "freeze": None} for rule in config.growths[:growths]]
    return canonical_json({**without.to_json(), "growths": grown})


def _try(config: RunConfig, model: GrowableModel, specs: OutputSpecs, examples: Split, *, updated: bool) -> None:
    training = config.training
    with of_field("training.optimizer", training.optimizer.kind):
        state = fresh_state(model, training.optimizer, seed=config.seed, precision=config.precision)
    state.set_train_mode()
    for number, augmentation in enumerate(training.augment):
        with of_field(f"training.augment.{number}", augmentation.kind):
            examples = augmented(examples, (augmentation,), seed=config.seed, step=0)
    total = _loss(config, state, specs, examples)
    with of_field("training.losses", "their gradient"):
        total.backward()
    if updated:
        _update(config, state)


def _update(config: RunConfig, state: TrainState) -> None:
    training = config.with_length.training
    with of_field("training.schedule", training.schedule.kind):
        set_learning_rates(state, training)
    with _values_kept(state.trainable), of_field("training.optimizer", f"an update of {training.optimizer.kind}"):
        Update(state.optimizer)()


def _loss(config: RunConfig, state: TrainState, specs: OutputSpecs, examples: Split) -> Tensor:
    """Return the weighted sum of all losses of `examples`, once each of them was computed on its own."""
    losses = config.training.losses
    for name, loss in losses.items():
        with of_field(f"training.losses.{name}", f"begin() of {loss.kind}"):
            state.loss_states |= begun({}, {name: loss}, state.learnable)
    with of_field("model", f"{config.model.kind}, in train mode,"):
        batch = forward_batch(state, examples, specs, needs_of(losses.values()))
    for name, loss in losses.items():
        with of_field(f"training.losses.{name}", f"{loss.kind}, of {len(examples)} examples,"):
            loss.components(name, batch)
    return _combined(config, state, batch)


def _combined(config: RunConfig, state: TrainState, batch: Batch) -> Tensor:
    with of_field("training.losses", "their sum"):
        combined = LossCombination(config.training.losses).combine(
            batch, step=0, growth_weights={}, log_variances=dict(state.model.log_variances.items())
        )
        Contract(History()).check(combined.components, batch, state)
    return combined.total


def _spread(train: Split, visible: Tensor, size: int) -> Split:
    """Return `size` examples of all over the split, so that most classes are among them."""
    rows = torch.linspace(0, len(visible) - 1, min(size, len(visible))).long()
    return train.take(visible[rows])


@contextmanager
def _streams_kept(model: GrowableModel) -> Iterator[None]:
    """Put the random streams back at the end of the block, also those that only the user's code draws from."""
    plain, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # the global one is what is to be kept
    try:
        with torch.random.fork_rng(devices=gpus_of(model)):
            yield
    finally:
        random.setstate(plain)
        np.random.set_state(numpy)  # noqa: NPY002


@contextmanager
def _as_before(model: GrowableModel) -> Iterator[None]:
    """Put buffers and modes of the network back at the end of the block, and forget its gradients."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        with _values_kept(list(model.buffers())):
            yield
    finally:
        model.zero_grad(set_to_none=True)
        for module, mode in modes:
            module.training = mode


@contextmanager
def _values_kept(tensors: Sequence[Tensor]) -> Iterator[None]:
    values = [tensor.detach().clone() for tensor in tensors]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in zip(tensors, values, strict=True):
                if not torch.equal(tensor, value):  # one that was expanded cannot be written, and has not changed
                    tensor.copy_(value)
