"""Stage keys: the content address of everything that can influence a state."""

import functools
import hashlib
from pathlib import Path

import torch

from harness.core.digest import digest
from harness.core.instruction_sets import PINS, is_pinned
from harness.growth import Change
from harness.staging.own_code import own_code
from harness.staging.run import RunConfig

__all__ = ["code_version", "first_key", "next_key"]

PACKAGE = Path(__file__).parents[1]
LAYERS_THAT_MATTER = ("core", "data", "growth", "initializers", "losses", "metrics", "models", "training")


def first_key(config: RunConfig, *, alone: bool = False, data: str = "") -> str:
    """Return the key of the stage that begins at step 0: all that a state before any growth depends on.

    Neither the number of steps, nor growths to come, nor what ends the run are in it, so runs that differ in them share
    this stage, if no schedule goes by the number of steps; unless `alone`, which makes every run's stages its own. Nor
    is a memory in it, nor losses that read from one or are penalties, which come with the first growth. That
    instruction sets are pinned is, since it changes last bits; the processor is not. `data` is the digest of what the
    task's spec does not say of its data.
    """
    config = config.with_length
    content = {"task": config.task, "model": config.model, "training": config.training.before_growth}
    return digest(
        {
            **{name: spec.to_json() for name, spec in content.items()},
            "start": [operation.to_json() for operation in config.start],
            "seed": config.seed,
            "device": config.device,
            "precision": config.precision,
            "code": code_version(),
            "own code": own_code(config),
            "torch": str(torch.__version__),
            **({"instruction sets": PINS} if is_pinned() else {}),
            **({"alone": config.to_json()} if alone else {}),
            **({"data": data} if data else {}),
        }
    )


def next_key(parent: str, step: int, change: Change, config: RunConfig) -> str:
    """Return the key of the stage that begins with `change` after `step` steps, the stage before being `parent`.

    It says of the run `config` what the key of the first stage leaves out.
    """
    training, content = config.training, {"parent": parent, "step": step, "change": change.to_json()}
    if training.before_growth == training:
        return digest(content)
    losses = {name: loss.to_json() for name, loss in training.losses.items()}
    return digest({**content, "memory": training.memory and training.memory.to_json(), "losses": losses})


@functools.cache
def code_version() -> str:
    """Return a digest of the sources of the layers whose code decides the numbers of a run."""
    total = hashlib.sha256()
    for layer in LAYERS_THAT_MATTER:
        for source in sorted((PACKAGE / layer).rglob("*.py")):
            total.update(source.relative_to(PACKAGE).as_posix().encode() + source.read_bytes())
    return total.hexdigest()
