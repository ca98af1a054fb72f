"""The forward and backward pass of a network, compiled by torch: the same function, rounded otherwise.

Only training steps are compiled; evaluations, growths and teachers call the network itself.
"""

import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch._functorch import config as functorch_config
from torch.utils._triton import has_triton

from harness.core.errors import InputError, SpecError
from harness.core.inputs import Inputs
from harness.models import GrowableModel
from harness.models.call import arguments, named_arguments
from harness.models.eval_mode import without_side_effects
from harness.models.taps import Features
from harness.training.precision import Precision, autocast

__all__ = ["CompiledForward", "check_compiler", "check_whole"]

BACKEND = "inductor"
TRACE_ALONE = "eager"  # a backend of torch that compiles nothing, and takes milliseconds


class CompiledForward:
    """Calls a network as `model(inputs)` does, compiled.

    torch follows a forward pass as a whole, but not how hooks are registered, by which heads read their taps. So they
    are registered before, and removed after, each call.

    Args:
        model: whose modes and frozen parts stay as they are; make another one when they change.
        backend: of `torch.compile`.
    """

    def __init__(self, model: GrowableModel, backend: str | None = None) -> None:
        torch.compiler.reset()  # or networks before this one would count towards the limit of what is compiled
        # Gradients of single components may be asked for before those of the whole, along the same graph.
        functorch_config.donated_buffer = False
        self._model = model
        self._features = Features()
        self._compiled = torch.compile(self._forward, backend=backend or BACKEND, fullgraph=True, dynamic=False)

    def __call__(self, inputs: Inputs) -> dict[str, Tensor]:
        """Return the outputs by name for a batch of `inputs`."""
        args, kwargs = arguments(self._model.backbone, inputs)
        asks_for_masks = self._model.taps and not isinstance(inputs, Tensor)
        named = named_arguments(self._model.backbone, args, kwargs) if asks_for_masks else {}
        with self._hooked():
            outputs: dict[str, Tensor] = self._compiled(args, kwargs, named)
            return outputs

    def _forward(self, args: Any, kwargs: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, Tensor]:
        self._features = features = Features()
        return self._model.read(self._model.backbone(*args, **kwargs), features, named)

    @contextmanager
    def _hooked(self) -> Iterator[None]:
        taps = dict.fromkeys(self._model.taps.values())
        modules = {tap: self._model.backbone.get_submodule(tap) for tap in taps}
        handles = [module.register_forward_hook(self._hook(tap)) for tap, module in modules.items()]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _hook(self, tap: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            self._features.add(tap, output)

        return hook


def check_compiler(device: str) -> None:
    """Refuse a machine on which torch cannot compile for `device`.

    Raises:
        InputError: there is no C++ compiler, or on a GPU no Triton.
    """
    name = shlex.split(os.environ.get("CXX") or "g++")[0]
    if device == "cpu" and shutil.which(name) is None:
        raise InputError(
            f"training.compile: expected a C++ compiler for torch.compile, found no {name!r}; install one, name it in "
            "the environment variable CXX, or train with training.compile=false"
        )
    if device != "cpu" and not has_triton():
        raise InputError(
            "training.compile: expected Triton for torch.compile on a GPU, found none; install it, or train with "
            "training.compile=false"
        )


def check_whole(model: GrowableModel, inputs: Inputs, precision: Precision, device: torch.device) -> None:
    """Refuse a network whose forward pass torch cannot follow as a whole.

    Raises:
        SpecError: it cannot; the message has torch's reason.
    """
    from torch._dynamo.exc import TorchDynamoException  # it loads the compiler, which takes seconds

    compiled = CompiledForward(model, TRACE_ALONE)
    try:
        with without_side_effects(model, inputs), autocast(precision, device):
            compiled(inputs)
    except TorchDynamoException as error:
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise SpecError(
            f"training.compile: expected a network that torch.compile follows as a whole, found that it cannot: "
            f"{reason:.200}; change what it names, or train with training.compile=false"
        ) from None
