"""Examples that a growth may look at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from harness.core.errors import SpecError
from harness.core.spec import did_you_mean
from harness.models.call import tensors_in

__all__ = ["Probe", "stand_in_loss"]


@dataclass(frozen=True)
class Probe:
    """A batch that the network can be called with, and perhaps the targets of its examples, and the loss.

    Attributes:
        inputs: a tensor `[B, ...]`, or any other batch: a mapping by argument name as from a tokenizer, a tuple of
            arguments, a dataclass, ...; `harness.models.call` says how the network is called with it.
        targets: `[B]` int64, the right new output (0, 1, ...) of each input, or -1 for none; None if unknown. Whatever
            `loss` takes, if that is given.
        loss: what is trained, for operations that follow its gradient: `loss(output, targets)`, such as `nn.MSELoss()`;
            or, without targets, `loss(outputs)` of all that the network returns. By default the cross-entropy of the
            targets, or the `loss` among the outputs of a network that computes it itself.
    """

    inputs: Any
    targets: Any = None
    loss: Callable[..., Tensor] | None = None

    @property
    def rows(self) -> Tensor | None:
        """The targets as initializers of new outputs read them: on the CPU; None if they are none."""
        return self.targets.cpu() if isinstance(self.targets, Tensor) else None

    def loss_of(self, outputs: Any, name: str | None = None) -> Tensor:
        """Return the loss of what the network returned for `inputs`, a number.

        Args:
            outputs: what it returned.
            name: of the output that the targets belong to; the first unless given.

        Raises:
            SpecError: there are no targets, or they do not fit the output.
        """
        if self.loss is not None:
            arguments = (outputs,) if self.targets is None else (_named(outputs, name), self.targets)
            return _checked(self.loss(*arguments))
        if self.targets is not None:
            return _cross_entropy(_named(outputs, name), self.targets)
        if isinstance(outputs, Mapping) and isinstance(outputs.get("loss"), Tensor):
            return _checked(outputs["loss"])
        raise SpecError(
            "expected targets to find directions of steepest descent, found none; give Probe(inputs, targets), with "
            "loss=... unless the loss is the cross-entropy"
        )


def stand_in_loss(outputs: Any, targets: Any = None) -> Tensor:
    """Return a loss of any outputs, for networks whose values will be replaced: only the sizes that follow count."""
    del targets
    return torch.stack([value.float().square().mean() for value in tensors_in(outputs) if value.requires_grad]).sum()


def _named(outputs: Any, name: str | None) -> Any:
    if not isinstance(outputs, Mapping):
        return outputs
    name = next(iter(outputs)) if name is None else name
    if name not in outputs:
        raise SpecError(f"no output {name!r}.{did_you_mean(name, outputs)}")
    return outputs[name]


def _checked(loss: Any) -> Tensor:
    if isinstance(loss, Tensor) and loss.numel() == 1 and loss.requires_grad:
        return loss.squeeze()
    found = f"a tensor {list(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
    raise SpecError(f"expected the probe's loss to be one number that depends on the network, found {found}")


def _cross_entropy(outputs: Any, targets: Any) -> Tensor:
    if not isinstance(outputs, Tensor) or outputs.dim() != 2:
        raise SpecError("expected logits [B, C] for targets [B], found another output; name one with output=...")
    if not isinstance(targets, Tensor) or targets.dim() != 1 or targets.is_floating_point():
        what = f"{targets.dtype} {list(targets.shape)}" if isinstance(targets, Tensor) else type(targets).__name__
        raise SpecError(
            f"expected int64 targets [B] for the cross-entropy, found {what.removeprefix('torch.')}; say what is "
            "trained: Probe(inputs, targets, loss=nn.MSELoss())"
        )
    targets = targets.to(outputs.device)
    known = targets >= 0
    if not known.any() or int(targets.max()) >= outputs.shape[1]:
        known_targets = sorted(set(targets.tolist()))
        raise SpecError(f"expected targets below {outputs.shape[1]}, -1 where unknown, found {known_targets}")
    return functional.cross_entropy(outputs[known].float(), targets[known])
