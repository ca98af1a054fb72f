"""Growth under Accelerate: what `prepare` returned grows as it is, and `save_state` and `load_state` keep it.

```python
model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
keep_growth(accelerator)
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
from harness.integrations.trainer_state import restore_groups, restore_network, trainer_state

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["keep_growth"]

FOLDER = "growth"


def keep_growth(accelerator: "Accelerator") -> None:
    """Let `save_state` store how the prepared model grew, and `load_state` grow a fresh one before it loads values.

    Args:
        accelerator: has prepared one model, and what trains it.
    """

    def save(models: list[nn.Module], _weights: list[Any], folder: str) -> None:
        if accelerator.is_main_process:
            content, tensors = trainer_state(_only(models), _optimizers(accelerator), _schedulers(accelerator), None)
            write_checkpoint(Path(folder) / FOLDER, content, tensors)

    def load(models: list[nn.Module], folder: str) -> None:
        model, (content, tensors) = _only(models), read_checkpoint(Path(folder) / FOLDER)
        restore_network(model, content, tensors)
        restore_groups(model, _optimizers(accelerator), _schedulers(accelerator), content)

    accelerator.register_save_state_pre_hook(save)
    accelerator.register_load_state_pre_hook(load)


def _only(models: list[nn.Module]) -> nn.Module:
    if len(models) != 1:
        raise SpecError(
            f"expected one prepared model, found {len(models)}; put them into one module, or use save_grown for each"
        )
    return models[0]


def _optimizers(accelerator: "Accelerator") -> list[Optimizer]:
    return [prepared.optimizer for prepared in vars(accelerator)["_optimizers"]]


def _schedulers(accelerator: "Accelerator") -> list[Any]:
    return [getattr(prepared, "scheduler", prepared) for prepared in vars(accelerator)["_schedulers"]]
