"""Whether a network takes its task's inputs, and says as much about them as it should."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import HarnessError, SpecError
from harness.core.inputs import Inputs, shapes_of
from harness.data import TaskData
from harness.models import GrowableModel
from harness.models.eval_mode import without_side_effects
from harness.models.taps import capture
from harness.staging.in_words import failure_in_words
from harness.staging.network import build_network
from harness.staging.run import RunConfig
from harness.training.compiled import check_compiler, check_whole
from harness.training.precision import autocast

__all__ = ["check_model", "compiler_check"]

EXAMPLES = 2


def check_model(config: RunConfig, data: TaskData) -> None:
    """Build the network of `config`, before any operation, and call it with the first training examples.

    Raises:
        SpecError: it fails, or its own output is no tensor with a row an example and a column a class.
        TapNotFoundError: a memory, or answers from it, read features where the network has no module.
    """
    examples = data.train.take(torch.arange(min(EXAMPLES, len(data.train))))
    inputs, device = examples.inputs, examples.labels.device
    running: list[nn.Module] = []
    model: GrowableModel | None = None
    try:
        model = build_network(config, data)
        with without_side_effects(model, inputs), autocast(config.precision, device), _followed(model, running):
            outputs = model(inputs)
        _check_taps(model, config)
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  # the user's code may raise anything, and exit
        raise SpecError(_failure(error, running, model, config, inputs)) from None
    name, columns = next(iter(config.task.sizes.items()))
    if name in config.task.classes:
        _check_output(outputs.get(name), name, (len(examples), columns), config)


def compiler_check(config: RunConfig, data: TaskData) -> Callable[[GrowableModel], None]:
    """Return what refuses a network that cannot be compiled; it does nothing if none is to be.

    Raises:
        InputError: this machine compiles nothing.
    """
    if not config.training.compile:
        return lambda _model: None
    check_compiler(config.device)
    inputs, device = data.train.take(torch.arange(min(EXAMPLES, len(data.train)))).inputs, torch.device(config.device)
    return lambda model: check_whole(model, inputs, config.precision, device)


def _check_taps(model: GrowableModel, config: RunConfig) -> None:
    with capture(model.backbone, config.training.memory_taps):
        pass


def _check_output(output: Any, name: str, shape: tuple[int, int], config: RunConfig) -> None:
    if not isinstance(output, Tensor) or tuple(output.shape) != shape:
        found = f"{tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
        raise SpecError(
            f"expected the output {name!r} {shape} of the model {config.model.kind!r}, a row an example and a column a "
            f"class, found {found}; see the model's build"
        )


@contextmanager
def _followed(model: nn.Module, running: list[nn.Module]) -> Iterator[None]:
    """Keep the modules whose forward passes have begun and not ended in `running`, the innermost last."""
    handles = [
        handle
        for module in model.modules()
        for handle in (
            module.register_forward_pre_hook(lambda module, _: running.append(module)),
            module.register_forward_hook(lambda *_: running.pop() and None),
        )
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _failure(
    error: BaseException, running: Sequence[nn.Module], model: nn.Module | None, config: RunConfig, inputs: Inputs
) -> str:
    what = failure_in_words(error)
    if model is None:
        return f"cannot build the model {config.model.kind!r}: {what}"
    names = {id(module): name.removeprefix("backbone.") for name, module in model.named_modules()}
    named = [module for module in running if names[id(module)] != "backbone" and names[id(module)]]
    where = f"its module {names[id(named[-1])]!r}, {' '.join(repr(named[-1]).split()):.80}," if named else "it"
    return (
        f"expected a model for the inputs {shapes_of(inputs)} of the task {config.task.kind!r}, found "
        f"{config.model.kind!r}: {where} fails with {what}"
    )
