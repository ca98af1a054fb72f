"""Growth under Lightning: a callback that grows the module by rules, and checkpoints that hold how it grew.

```python
rules = [GrowthRule(trigger=AtStep(step=100), operation=WidenHead(path="fc", to=10), freeze=NoFreezing())]
trainer = Trainer(callbacks=[GrowthCallback(rules)])
trainer.fit(Digits(), loader)
trainer.fit(Digits(), loader, ckpt_path="last.ckpt")  # a fresh module gets its shape before its values
```

Paths in operations are those of the `LightningModule`. To load a checkpoint without a trainer, let the module do the
same: `def on_load_checkpoint(self, checkpoint): restore(self, checkpoint)`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import StochasticWeightAveraging, WeightAveraging
from torch import nn

from harness.core.errors import SpecError
from harness.growth import GrowthRule, Probe
from harness.integrations.rule_runner import RuleRunner
from harness.integrations.trainer_state import restore_groups, restore_network, trainer_state

__all__ = ["GrowthCallback", "restore"]

KEY = "harness_growth"
AVERAGING = (StochasticWeightAveraging, WeightAveraging)


def restore(model: nn.Module, checkpoint: Mapping[str, Any]) -> None:
    """Give a fresh `model` the shape of the one in `checkpoint`; nothing is done if that never grew."""
    if KEY in checkpoint:
        restore_network(model, json.loads(checkpoint[KEY]["content"]), checkpoint[KEY]["tensors"])


class GrowthCallback(Callback):
    """Grows the `LightningModule` when a rule's trigger fires.

    Triggers see `trainer.global_step`, the epoch, and `trainer.callback_metrics` after each validation.

    Args:
        rules: each acts once.
        probe: returns the probe of a growth, given the training batch at hand; by default its inputs are the first item
            of a tuple or list, and a mapping without its `labels`.
        seed: of new values.
    """

    def __init__(
        self, rules: Sequence[GrowthRule], *, probe: Callable[[Any], Probe] | None = None, seed: int = 0
    ) -> None:
        self.runner = RuleRunner(rules, seed=seed)
        self._probe = probe or _inputs_of
        self._evaluated = False
        self._saved: dict[str, Any] | None = None
        self._last_step = 0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Let a fresh module get its shape when a checkpoint was read and its values are not loaded yet."""
        del trainer, stage
        load = pl_module.on_load_checkpoint

        def grow_and_load(checkpoint: dict[str, Any]) -> None:
            restore(pl_module, checkpoint)
            self._saved = json.loads(checkpoint[KEY]["content"]) if KEY in checkpoint else None
            load(checkpoint)

        pl_module.on_load_checkpoint = grow_and_load

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Undo what `setup` did."""
        del trainer, stage
        vars(pl_module).pop("on_load_checkpoint", None)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give fresh optimizers the groups of those in the checkpoint.

        Raises:
            SpecError: the module steps by itself, or a callback averages weights, of which it would have those before.
        """
        averaging = [type(item).__name__ for item in trainer.callbacks if isinstance(item, AVERAGING)]
        if averaging:
            raise SpecError(
                f"expected no average of weights, which would not grow along, found {averaging[0]}; leave it out"
            )
        if not pl_module.automatic_optimization:
            raise SpecError(
                "expected automatic optimization, found a module that steps by itself; call harness.growth.grow there"
            )
        if self._saved is not None:
            restore_groups(pl_module, trainer.optimizers, _schedulers(trainer), self._saved)
            self.runner.load_state_dict(self._saved["rules"])
            self._saved = None
        self._last_step = trainer.global_step

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Note the step from which training goes on."""
        del trainer, pl_module
        self._last_step = checkpoint["global_step"]

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add to the checkpoint how the module grew."""
        content, tensors = trainer_state(pl_module, trainer.optimizers, _schedulers(trainer), self.runner.state_dict())
        checkpoint[KEY] = {"content": json.dumps(content), "tensors": tensors}

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note that metrics are new."""
        del pl_module
        self._evaluated = self._evaluated or not trainer.sanity_checking

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Show the rules the step that was made, if one was, and grow if one fires."""
        del outputs, batch_idx, pl_module
        if trainer.global_step == self._last_step:
            return  # gradients are still being gathered
        self._last_step = trainer.global_step
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.runner.after_step(
            trainer.lightning_module if trainer.strategy.model is None else trainer.strategy.model,
            trainer.optimizers,
            step=trainer.global_step,
            epoch=trainer.current_epoch,
            metrics=metrics,
            evaluated=self._evaluated,
            probe=lambda: self._probe(batch),
            schedulers=_schedulers(trainer),
        )
        self._evaluated = False


def _schedulers(trainer: Trainer) -> list[Any]:
    return [config.scheduler for config in trainer.lr_scheduler_configs]


def _inputs_of(batch: Any) -> Probe:
    if isinstance(batch, Mapping):
        return Probe({name: value for name, value in batch.items() if name not in ("label", "labels")})
    return Probe(batch[0] if isinstance(batch, list | tuple) else batch)
