"""A teacher: a copy of a network before a growth, kept by the network that grew."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from harness.models.call import arguments
from harness.models.copied import copied
from harness.models.growable import GrowableModel
from harness.models.taps import capture

__all__ = ["Teacher", "is_of_teacher", "keep_teacher", "teacher_of"]

PREFIX = "teacher/"


class Teacher:
    """Computes what a network computed at an earlier time, in eval mode and without gradients: `model.teacher(inputs)`.

    A teacher is not a module: it is not trained, a `Sequential` does not call it, and `state_dict()` does not hold it.
    Its tensors are buffers of its student, which `state_dict()` leaves out as well. So they follow the student to
    another device or type, and a snapshot of all tensors holds them.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._student = network
        for parameter in network.parameters():
            parameter.requires_grad_(False)
            parameter.grad = None

    def join(self, student: nn.Module) -> None:
        """Become the teacher of `student`, in place of an earlier one."""
        for name, _ in list(student.named_buffers(recurse=False)):
            if name.startswith(PREFIX):
                delattr(student, name)
        for name, tensor in _tensors(self._network).items():
            student.register_buffer(PREFIX + name.replace(".", "/"), tensor.detach(), persistent=False)
        self._student = student
        student.teacher = self  # type: ignore[assignment]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the network returned for these arguments."""
        return self._forward(args, kwargs, ())[0]

    def forward(self, inputs: Any, taps: Iterable[str] = ()) -> tuple[Any, dict[str, Tensor]]:
        """Return what the network returned for the batch `inputs`, and the outputs of its modules at `taps`.

        A tap is a path in the backbone of a `GrowableModel`, or in any other network. Taps that the network did not
        have yet are left out.
        """
        args, kwargs = arguments(self._network, inputs)
        return self._forward(args, kwargs, taps)

    def _forward(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], taps: Iterable[str]
    ) -> tuple[Any, dict[str, Tensor]]:
        held = dict(self._student.named_buffers(recurse=False))
        tensors = {name: held[PREFIX + name.replace(".", "/")] for name in _tensors(self._network)}
        self._network.eval()
        root = self._network.backbone if isinstance(self._network, GrowableModel) else self._network
        known_taps = [tap for tap in taps if tap in dict(root.named_modules())]
        with torch.no_grad(), capture(root, known_taps) as features:
            return functional_call(self._network, tensors, args, dict(kwargs)), features


def keep_teacher(model: nn.Module) -> Teacher:
    """Return a teacher that computes what `model` computes now. The copy has no teacher, even if `model` has one.

    Raises:
        ModulePathError: `model` holds something that cannot be copied.
    """
    network = copied(model, purpose="keep it as a teacher")
    vars(network).pop("teacher", None)
    for name, _ in list(network.named_buffers(recurse=False)):
        if name.startswith(PREFIX):
            delattr(network, name)
    return Teacher(network)


def teacher_of(model: nn.Module) -> Teacher | None:
    """Return the teacher of `model`, or None if it has none."""
    teacher = getattr(model, "teacher", None)
    return teacher if isinstance(teacher, Teacher) else None


def is_of_teacher(name: str) -> bool:
    """Return whether the buffer of a student that is called `name` in it holds a tensor of its teacher."""
    return name.startswith(PREFIX)


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}
