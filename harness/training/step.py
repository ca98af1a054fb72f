"""One optimizer update."""

from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from harness.core.label_map import LabelMap
from harness.core.seeding import seed_global_stream, stream_seed
from harness.data import Split
from harness.losses import total
from harness.training.config import TrainingConfig
from harness.training.evaluation import Forward
from harness.training.group_watch import GroupWatch
from harness.training.precision import autocast
from harness.training.state import TrainState

__all__ = ["train_step"]


WATCHED_STEPS = 20


def train_step(
    state: TrainState, batch: Split, config: TrainingConfig, label_map: LabelMap, forward: Forward | None = None
) -> dict[str, Tensor]:
    """Update `state` on `batch` and return what was measured, as scalars that are still on the device.

    `forward` is the network's forward pass, if there is a shorter one.

    Returns:
        `loss/<component>`, `loss_weighted/<component>`, `loss/total`, `grad_norm` (before clipping, unscaled), and
        with a loss scaler `skipped_steps` (1 if a gradient was not finite, so that nothing was updated). In the first
        steps after a growth also, for each optimizer group, `grad_norm/group_<n>` and `update_over_lr/group_<n>`, the
        mean size of an update in units of the group's learning rate; group n was born at the n-th growth.
    """
    _set_learning_rates(state, config)
    # Dropout in modules of any library draws from the global generator.
    seed_global_stream(stream_seed(state.seed, "step", state.step), state.device)
    state.optimizer.zero_grad(set_to_none=True)
    with autocast(state.precision, state.device):
        outputs = forward(batch) if forward else state.model(batch.inputs)
        components = config.loss.components(outputs, batch.labels, label_map)
        loss, weighted = total(components, state.loss_weights)
    state.scaler.scale(loss).backward()
    state.scaler.unscale_(state.optimizer)
    norm = _clip(state.trainable, config.clip_norm)
    watched = GroupWatch(state.optimizer) if state.lineage and state.age < WATCHED_STEPS else None
    state.scaler.step(state.optimizer)
    state.scaler.update()
    state.step += 1
    return _measured(state, components, weighted, loss, norm) | (watched.measured() if watched else {})


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


def _measured(
    state: TrainState, components: dict[str, Tensor], weighted: dict[str, Tensor], loss: Tensor, norm: Tensor
) -> dict[str, Tensor]:
    measured = {f"loss/{name}": value.detach() for name, value in components.items()}
    measured |= {f"loss_weighted/{name}": value.detach() for name, value in weighted.items()}
    measured |= {"loss/total": loss.detach(), "grad_norm": norm}
    if state.scaler.is_enabled():
        # The scaler skips the update if any gradient is not finite; then, and only then, neither is their norm.
        measured["skipped_steps"] = (~norm.isfinite()).float()
    return measured
