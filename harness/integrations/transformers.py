"""Growth under the Trainer of Hugging Face's transformers: a callback that grows the model by rules, and resuming.

```python
rules = [GrowthRule(trigger=AtStep(step=100), operation=WidenHead(path="classifier", to=5), freeze=NoFreezing())]
trainer = Trainer(model, args, train_dataset=data, callbacks=[GrowthTrainerCallback(rules)])
trainer.train()
```

In a new process, with a fresh model and trainer, `resume(trainer, checkpoint)` takes the place of
`trainer.train(resume_from_checkpoint=checkpoint)`. Before `trainer.save_model(folder)` for others, call
`harness.growth.consolidate(model)`: `from_pretrained` knows no layer in parts, and would draw the rows anew.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.training_args import ParallelMode
from transformers.utils import logging

from harness.core.errors import SpecError
from harness.growth import GrowthRule, Probe
from harness.growth.checkpoint_folder import read_checkpoint, write_checkpoint
from harness.growth.growth_state import unwrapped
from harness.integrations.rule_runner import RuleRunner
from harness.integrations.trainer_state import restore_groups, restore_network, trainer_state
from harness.models.widened import Widened

__all__ = ["GrowthTrainerCallback", "resume"]

FOLDER = "growth"
logger = logging.get_logger(__name__)
EXAMPLES = 8


class GrowthTrainerCallback(TrainerCallback):
    """Grows the model when a rule's trigger fires.

    At the end of training it says so if the model has layers in parts, which `from_pretrained` would not load: call
    `consolidate(model)` before `save_model`.

    Triggers see `state.global_step`, the epoch, and the metrics of each evaluation by their names, such as `eval_loss`.

    Args:
        rules: each acts once.
        probe: returns the probe of a growth; by default the first few examples of the training data are one, without
            their labels.
        seed: of new values.

    Attributes:
        trainer: must be set under several processes, whose model is in a wrapper that no callback is shown.
    """

    def __init__(self, rules: Sequence[GrowthRule], *, probe: Callable[[], Probe] | None = None, seed: int = 0) -> None:
        self.runner = RuleRunner(rules, seed=seed)
        self.trainer: Trainer | None = None
        self._probe = probe
        self._metrics: dict[str, float] = {}
        self._evaluated = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Refuse settings under which a growth would be lost."""
        del state, control, kwargs
        if args.parallel_mode is ParallelMode.DISTRIBUTED and self.trainer is None:
            raise SpecError("expected to know the trainer under several processes; set callback.trainer = trainer")
        if args.load_best_model_at_end:
            raise SpecError(
                "expected load_best_model_at_end=False, found True: the best model may be smaller than the one that it "
                "would be loaded into; load it yourself, with resume or into a fresh model"
            )

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Note the metrics."""
        del args, state, control
        metrics: Mapping[str, Any] = kwargs.get("metrics") or {}
        self._metrics = {name: float(value) for name, value in metrics.items() if isinstance(value, int | float)}
        self._evaluated = True

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Show the rules the step that was made, and grow if one fires."""
        del args, control
        model, optimizer, scheduler = (kwargs[name] for name in ("model", "optimizer", "lr_scheduler"))
        self.runner.after_step(
            model if self.trainer is None else self.trainer.model_wrapped,
            [optimizer],
            step=state.global_step,
            epoch=state.epoch or 0.0,
            metrics=self._metrics,
            evaluated=self._evaluated,
            probe=self._probe or (lambda: _first_examples(kwargs["train_dataloader"], model)),
            schedulers=[scheduler],
        )
        self._evaluated = False

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Warn of layers that `from_pretrained` would not load."""
        del args, control
        parts = [path for path, module in unwrapped(kwargs["model"]).named_modules() if isinstance(module, Widened)]
        if parts and state.is_world_process_zero:
            logger.warning(
                "%r is a layer in parts, which from_pretrained does not load; before save_model, call "
                "harness.growth.consolidate(model)",
                parts[0],
            )

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Add to the checkpoint how the model grew."""
        del control
        if state.is_world_process_zero:
            folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}" / FOLDER
            optimizer = _bare(kwargs["optimizer"])
            content, tensors = trainer_state(
                kwargs["model"], [optimizer], [kwargs["lr_scheduler"]], self.runner.state_dict()
            )
            write_checkpoint(folder, content, tensors)


def resume(trainer: Trainer, checkpoint: str | Path) -> Any:
    """Train on from `checkpoint`, a folder such as `checkpoint-500`; otherwise as `trainer.train`.

    Args:
        trainer: with a fresh model, as it was before its first growth, and a `GrowthTrainerCallback` of the same rules.
        checkpoint: written by a trainer with such a callback.

    Raises:
        SnapshotError: the folder holds no growth, or not one of this model.
        SpecError: the trainer has no such callback, or one with other rules.
    """
    content, tensors = read_checkpoint(Path(checkpoint) / FOLDER)
    callbacks = [item for item in trainer.callback_handler.callbacks if isinstance(item, GrowthTrainerCallback)]
    if len(callbacks) != 1:
        raise SpecError(
            f"expected a trainer with one GrowthTrainerCallback, found {len(callbacks)}; give callbacks=[...]"
        )
    callbacks[0].runner.load_state_dict(content["rules"])
    restore_network(trainer.model, content, tensors)
    create = trainer.create_optimizer

    def create_regrouped(*args: Any, **kwargs: Any) -> Optimizer:
        optimizer: Optimizer = create(*args, **kwargs)
        given = [trainer.lr_scheduler] if trainer.lr_scheduler is not None else []
        restore_groups(trainer.model, [optimizer], given, {**content, "functions": content["functions"][: len(given)]})
        return optimizer

    trainer.create_optimizer = create_regrouped
    try:
        return trainer.train(resume_from_checkpoint=str(checkpoint))
    finally:
        trainer.create_optimizer = create


def _bare(optimizer: Any) -> Optimizer:
    inner: Optimizer = getattr(optimizer, "optimizer", optimizer)
    return inner


def _first_examples(loader: Any, model: nn.Module) -> Probe | None:
    """Return a probe with the first examples of a loader's data; the loader itself may be in the middle of an epoch."""
    data: Any = getattr(loader, "dataset", None)
    collate = getattr(loader, "collate_fn", None)
    if not hasattr(data, "__getitem__") or collate is None:
        return None
    with torch.random.fork_rng(devices=[]):  # whatever the data draw
        batch = collate([data[index] for index in range(min(EXAMPLES, len(data)))])
    device = next(model.parameters()).device
    named = {name: value.to(device) for name, value in batch.items() if isinstance(value, torch.Tensor)}
    return Probe({name: value for name, value in named.items() if name not in ("label", "labels")})
