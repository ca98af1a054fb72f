"""A network of any library, with heads attached at taps."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.models.taps import capture

__all__ = ["GrowableModel"]


class GrowableModel(nn.Module):
    """A backbone, untouched, and heads that read it.

    Calling it returns a dict: the backbone's own output under the name `output` (or the entries of the dict that the
    backbone returns), and one entry per head.

    Args:
        backbone: any module of one argument.
        output: the name of the backbone's own output.
    """

    def __init__(self, backbone: nn.Module, output: str) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = nn.ModuleDict()
        self.taps: dict[str, str] = {}
        self._output = output

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return the outputs by name, in the order of their birth, for a batch of inputs `[B, ...]`."""
        with capture(self.backbone, self.taps.values()) as features:
            result = self.backbone(inputs)
        outputs = dict(result) if isinstance(result, Mapping) else {self._output: result}
        for name, head in self.heads.items():
            outputs[name] = head(features[self.taps[name]])
        return outputs

    def attach(self, name: str, head: nn.Module, tap: str) -> None:
        """Add a head that reads `tap`, a module path of the backbone.

        Raises:
            SpecError: there is an output of that name.
            TapNotFoundError: there is no such tap.
        """
        if name in self.heads or name == self._output:
            raise SpecError(f"expected a new name for the head, found {name!r}, which exists; choose another")
        with capture(self.backbone, [tap]):
            self.heads[name] = head
            self.taps[name] = tap

    @property
    def dtype(self) -> torch.dtype:
        """The type of the backbone's floating-point parameters."""
        return next((p.dtype for p in self.backbone.parameters() if p.is_floating_point()), torch.float32)
