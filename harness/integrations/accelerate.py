"""Growth under Accelerate: what `prepare` returned grows as it is, and `save_state` and `load_state` keep it.

```python
model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
keep_growth(accelerator, model)
...
grow(model, optimizer, WidenHead(path="fc", to=15), scheduler=scheduler)
accelerator.save_state(folder)
```

In a new process the same lines are run up to `keep_growth`, with the model as it was before its first growth; then
`accelerator.load_state(folder)` gives it its shape, and all values.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.optim import Optimizer

from harness.core.errors import SpecError
from harness.growth.checkpoint_folder import read_checkpoint, write_checkpoint
from harness.growth.growth_state import unwrapped
from harness.integrations.trainer_state import restore_groups, restore_network, trainer_state

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["keep_growth"]

FOLDER = "growth"


def keep_growth(accelerator: "Accelerator", model: nn.Module) -> None:
    """Let `save_state` store how the prepared `model` grew, and `load_state` grow a fresh one before it loads values.

    Args:
        accelerator: has prepared the model and what trains it, and no other model.
        model: as `prepare` returned it.
    """

    def save(models: list[nn.Module], _weights: list[Any], folder: str) -> None:
        _check(models, model)
        if accelerator.is_main_process:
            content, tensors = trainer_state(model, _optimizers(accelerator), _schedulers(accelerator), None)
            write_checkpoint(Path(folder) / FOLDER, content, tensors)

    def load(models: list[nn.Module], folder: str) -> None:
        _check(models, model)
        content, tensors = read_checkpoint(Path(folder) / FOLDER)
        restore_network(model, content, tensors)
        restore_groups(model, _optimizers(accelerator), _schedulers(accelerator), content)

    accelerator.register_save_state_pre_hook(save)
    accelerator.register_load_state_pre_hook(load)


def _check(models: list[nn.Module], model: nn.Module) -> None:
    if len(models) != 1 or unwrapped(models[0]) is not unwrapped(model):
        raise SpecError(
            f"expected one prepared model, which keep_growth knows, found {len(models)}; put all into one module, or "
            "use save_grown for each"
        )


def _optimizers(accelerator: "Accelerator") -> list[Optimizer]:
    return [prepared.optimizer for prepared in vars(accelerator)["_optimizers"]]


def _schedulers(accelerator: "Accelerator") -> list[Any]:
    return [getattr(prepared, "scheduler", prepared) for prepared in vars(accelerator)["_schedulers"]]
