"""One optimizer update."""

from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from harness.core.output_specs import OutputSpecs
from harness.core.seeding import seed_global_stream, step_seed
from harness.data import Split
from harness.losses import Batch
from harness.training.combined_loss import CombinedLoss, combine_losses
from harness.training.config import TrainingConfig
from harness.training.contract import Contract
from harness.training.forward import Forward, Needs, forward_batch, needs_of
from harness.training.gradients import trunk_gradients
from harness.training.group_watch import GroupWatch
from harness.training.state import TrainState

__all__ = ["batch_loss", "train_step"]


WATCHED_STEPS = 20


def train_step(
    state: TrainState,
    examples: Split,
    config: TrainingConfig,
    specs: OutputSpecs,
    *,
    contract: Contract | None = None,
    forward: Forward | None = None,
    needs: Needs | None = None,
) -> dict[str, Tensor]:
    """Update `state` on `examples` and return the measurements, as scalars that are still on the device.

    Args:
        state: between two steps.
        examples: the batch, whose classes are all visible.
        config: settings.
        specs: what the network's outputs predict.
        contract: checks the loss components, if given.
        forward: called instead of the network; it must return the same.
        needs: what the losses read besides outputs; computed from them if not given.

    Returns:
        `loss/<component>`, `loss_weighted/<component>`, `loss/total`, `grad_norm` (before clipping, unscaled), with a
        loss scaler `loss_scale`, and with one, or where diverged steps are skipped, `skipped_steps` (1 if a gradient or
        a loss was not finite, so that nothing was updated). In the first steps after a growth also, for each group,
        `grad_norm/group_<n>` and `update_over_lr/group_<n>`, the mean size of an update in units of the group's
        learning rate; group n was born at the n-th growth, if no weights of losses are learned, which come second.
        If gradients are recorded, also the metrics of `trunk_gradients`.
    """
    _set_learning_rates(state, config)
    # Dropout in modules of any library draws from the global generator.
    seed_global_stream(step_seed(state.seed, state.step), state.device)
    state.optimizer.zero_grad(set_to_none=True)
    batch = forward_batch(state, examples, specs, needs or needs_of(config.losses.values()), forward)
    loss = batch_loss(state, batch, config)
    if contract is not None:
        contract.check(loss.components, batch, state)
    every = config.record_gradients_every
    gradients = trunk_gradients(state, loss.weighted) if every and (state.step + 1) % every == 0 else {}
    state.scaler.scale(loss.total).backward()
    state.scaler.unscale_(state.optimizer)
    norm = _clip(state.trainable, config.clip_norm)
    watched = GroupWatch(state.optimizer) if state.lineage and state.age < WATCHED_STEPS else None
    skipped = config.on_divergence == "skip" and not bool((norm + loss.total).isfinite())
    if skipped:
        state.optimizer.zero_grad(set_to_none=True)
    state.scaler.step(state.optimizer)
    scaling = _scaling(state, norm, skipped=skipped if config.on_divergence == "skip" else None)
    state.scaler.update()
    state.step += 1
    return _measured(loss, norm) | gradients | (watched.measured() if watched else {}) | scaling


def batch_loss(state: TrainState, batch: Batch, config: TrainingConfig) -> CombinedLoss:
    """Return the loss of `batch` with the weights that `state` holds."""
    return combine_losses(
        config.losses,
        batch,
        step=state.step,
        growth_weights=state.loss_weights,
        log_variances=dict(state.model.log_variances.items()),
    )


def _clip(parameters: list[nn.Parameter], largest: float | None) -> Tensor:
    """Shorten all gradients together to the norm `largest`; return the norm that they had."""
    norm = get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
    if largest is not None:
        clip_grads_with_norm_(parameters, largest, norm)
    return norm


def _set_learning_rates(state: TrainState, config: TrainingConfig) -> None:
    for group in state.optimizer.param_groups:
        age = state.step - group["born"]
        warm_up = min((age + 1) / (group["warm_up"] + 1), 1.0)
        group["lr"] = group["base_lr"] * group["lr_scale"] * warm_up * config.schedule.factor(state.step, age)


def _scaling(state: TrainState, norm: Tensor, *, skipped: bool | None) -> dict[str, Tensor]:
    """Return the loss scale, if there is one, and whether the update was skipped, if it could have been."""
    scaling = {"loss_scale": state.scaler.scale(norm.new_ones(()))} if state.scaler.is_enabled() else {}
    if skipped is not None:
        return scaling | {"skipped_steps": norm.new_tensor(float(skipped))}
    # The scaler skips the update if any gradient is not finite; then, and only then, neither is their norm.
    return scaling and scaling | {"skipped_steps": (~norm.isfinite()).float()}


def _measured(loss: CombinedLoss, norm: Tensor) -> dict[str, Tensor]:
    measured = {f"loss/{name}": value.detach() for name, value in loss.components.items()}
    measured |= {f"loss_weighted/{name}": value.detach() for name, value in loss.weighted.items()}
    return measured | {"loss/total": loss.total.detach(), "grad_norm": norm}
