"""One optimizer update."""

from contextlib import nullcontext

from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_

from harness.core.output_specs import OutputSpecs
from harness.core.seeding import seed_global_stream, step_seed
from harness.data import Split
from harness.losses import Batch
from harness.training.accumulation import AccumulatedLoss, parts_of
from harness.training.combined_loss import CombinedLoss, LossCombination, combine_losses
from harness.training.config import TrainingConfig
from harness.training.contract import Contract
from harness.training.denormals import denormals_flushed
from harness.training.forward import Forward, Needs, forward_batch, needs_of
from harness.training.gradients import agreement, total_norm, trunk_gradients
from harness.training.group_watch import GroupWatch
from harness.training.loss_states import begun
from harness.training.state import TrainState
from harness.training.update import Update
from harness.training.update_watch import UpdateWatch

__all__ = ["WATCHED_STEPS", "TrainingStep", "batch_loss", "forget_gradients", "set_learning_rates", "train_step"]


WATCHED_STEPS = 20


class TrainingStep:
    """Updates a state, batch by batch; what is the same for all steps of a stage is decided once.

    Args:
        state: between two steps; nobody else changes its parameters' gradients while the stage lasts.
        config: settings.
        specs: what the network's outputs predict.
        contract: checks the loss components, if given.
        needs: what the losses read besides outputs; computed from them if not given.

    Attributes:
        update: the optimizer's part.
    """

    def __init__(
        self,
        state: TrainState,
        config: TrainingConfig,
        specs: OutputSpecs,
        *,
        contract: Contract | None = None,
        needs: Needs | None = None,
    ) -> None:
        self._state, self._config, self._specs, self._contract = state, config, specs, contract
        self._needs = needs or needs_of(config.losses.values())
        self._losses = LossCombination(config.losses)
        self.update = Update(state.optimizer)
        state.loss_states = begun(state.loss_states, config.losses, state.learnable)
        follows = any(loss.follows_updates for loss in config.losses.values())
        self._shown = UpdateWatch(state, config.losses) if follows else None
        self._log_variances = dict(state.model.log_variances.items())
        self._skips = config.on_divergence == "skip"
        self._arithmetic = denormals_flushed if config.flush_denormals else nullcontext
        self._reads_flags = state.device.type != "cuda"  # a GPU would be waited for

    def __call__(self, examples: Split, forward: Forward | None = None) -> dict[str, Tensor]:
        """Update the state on `examples` and return the measurements, as scalars that are still on the device.

        Args:
            examples: the batch, whose classes are all visible.
            forward: called instead of the network; it must return the same.

        Returns:
            `loss/<component>`, `loss_weighted/<component>`, `loss/total`, `grad_norm` (before clipping, unscaled), with
            a loss scaler `loss_scale`, and with one, or where diverged steps are skipped, `skipped_steps` (1 if a
            gradient or a loss was not finite, so that nothing was updated). In the first steps after a growth also, for
            each group, `grad_norm/group_<n>` and `update_over_lr/group_<n>`, the mean size of an update in units of the
            group's learning rate; group n was born at the n-th growth, if no weights of losses are learned, which come
            second. If gradients are recorded, also the metrics of `trunk_gradients`.
        """
        state = self._state
        set_learning_rates(state, self._config)
        forget_gradients(state)
        # Dropout in modules of any library draws from the global generator.
        seed_global_stream(step_seed(state.seed, state.step), state.device)
        loss, gradients = self._backward(examples, forward)
        with self._arithmetic():
            extra = self._descend(loss)
        measured = _measured(loss, extra.pop("grad_norm")) | extra
        return measured | agreement(gradients) if gradients else measured

    def _backward(self, examples: Split, forward: Forward | None) -> tuple[CombinedLoss, dict[str, Tensor]]:
        """Add up the gradients of `examples`, in parts; return their loss, and if asked for those of components."""
        if self._config.accumulate == 1:
            loss, _ = self._forward(examples, forward)
            return loss, self._add_gradients(loss)
        sums, gradients = AccumulatedLoss(examples, self._losses), dict[str, Tensor]()
        for part in parts_of(examples, self._config.accumulate):
            share = sums.add(*self._forward(part, forward))
            for name, gradient in self._add_gradients(share).items():
                gradients[name] = gradients[name] + gradient if name in gradients else gradient
        return sums.loss, gradients

    def _forward(self, examples: Split, forward: Forward | None) -> tuple[CombinedLoss, Batch]:
        state = self._state
        batch = forward_batch(state, examples, self._specs, self._needs, forward)
        loss = self._losses.combine(
            batch, step=state.step, growth_weights=state.loss_weights, log_variances=self._log_variances
        )
        if self._contract is not None:
            self._contract.check(loss.components, batch, state)
        return loss, batch

    def _add_gradients(self, loss: CombinedLoss) -> dict[str, Tensor]:
        """Add the gradients of `loss` to those that parameters hold; return those of its components, if asked for."""
        state, every = self._state, self._config.record_gradients_every
        gradients = trunk_gradients(state, loss.weighted) if every and (state.step + 1) % every == 0 else {}
        if self._shown is not None:
            self._shown.add(loss.weighted)
        (state.scaler.scale(loss.total) if state.scaler.is_enabled() else loss.total).backward()
        return gradients

    def _descend(self, loss: CombinedLoss) -> dict[str, Tensor]:
        """Update the parameters along their gradients; return `grad_norm` and what is measured on the way."""
        state, scaler = self._state, self._state.scaler
        if scaled := scaler.is_enabled():
            scaler.unscale_(state.optimizer)
        if self._shown is not None:
            self._shown.begin()
        norm = _clip(state.trainable, self._config.clip_norm)
        watched = GroupWatch(state.optimizer) if state.lineage and state.age < WATCHED_STEPS else None
        skipped = self._update(norm, loss.total)
        if self._shown is not None:
            self._shown.end()
        scaling = _scaling(state, norm, skipped)
        if scaled:
            scaler.update()
        state.step += 1
        if state.average is not None:
            state.average.update(state.age, skipped)
        return {"grad_norm": norm} | (watched.measured() if watched else {}) | scaling

    def _update(self, norm: Tensor, total: Tensor) -> Tensor | None:
        """Update the parameters unless something is not finite; return whether that was so, if it was asked."""
        state, scaled = self._state, self._state.scaler.is_enabled()
        if not (scaled or self._skips):
            self.update()
            return None
        # The scaler skips the update if any gradient is not finite; then, and only then, neither is their norm.
        skipped = ~(norm + total if self._skips else norm).isfinite()
        if not self._reads_flags and self.update.unless(skipped.float()):
            return skipped
        if diverged := self._skips and bool(skipped):
            forget_gradients(state)
        if scaled:
            state.scaler.step(state.optimizer)
        elif not diverged:
            self.update()
        return skipped


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
    """Update `state` on `examples` once, as `TrainingStep` does."""
    return TrainingStep(state, config, specs, contract=contract, needs=needs)(examples, forward)


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
    norm = total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
    if largest is not None:
        clip_grads_with_norm_(parameters, largest, norm)
    return norm


def set_learning_rates(state: TrainState, config: TrainingConfig) -> None:
    """Set the learning rate of each group for the step that begins."""
    for group in state.optimizer.param_groups:
        age = state.step - group["born"]
        warm_up = min((age + 1) / (group["warm_up"] + 1), 1.0)
        group["lr"] = group["base_lr"] * group["lr_scale"] * warm_up * config.schedule.factor(state.step, age)


def forget_gradients(state: TrainState) -> None:
    """Do what `zero_grad` of the optimizer does, which takes a profiler's note of it at each step."""
    for group in state.optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None


def _scaling(state: TrainState, norm: Tensor, skipped: Tensor | None) -> dict[str, Tensor]:
    """Return the loss scale, if there is one, and whether the update was skipped, if it could have been."""
    scaling = {"loss_scale": state.scaler.scale(norm.new_ones(()))} if state.scaler.is_enabled() else {}
    return scaling if skipped is None else scaling | {"skipped_steps": skipped.to(norm.dtype)}


def _measured(loss: CombinedLoss, norm: Tensor) -> dict[str, Tensor]:
    measured = {f"loss/{name}": value.detach() for name, value in loss.components.items()}
    measured |= {f"loss_weighted/{name}": value.detach() for name, value in loss.weighted.items()}
    return measured | {"loss/total": loss.total.detach(), "grad_norm": norm}
