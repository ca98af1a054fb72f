"""A network of any library, with heads attached at taps."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.core.spec import did_you_mean
from harness.models.call import arguments, named_arguments
from harness.models.head import Head
from harness.models.pooling import mask_in
from harness.models.taps import Features, capture

__all__ = ["GrowableModel"]

HOW_TO_LOAD = (
    "A state dict fits a network that has grown alike. Save with harness.growth.save_grown and load with load_grown, "
    "which repeats the growths first; or grow this network by the same operations before."
)
NOTHING: Mapping[str, Any] = MappingProxyType({})


class GrowableModel(nn.Module):
    """A backbone, untouched, and heads that read it.

    Calling it returns a dict: the backbone's own output under the name `output` (or the entries of the dict that the
    backbone returns), and one entry per head.

    Args:
        backbone: any module; it gets what the network is called with.
        output: the name of the backbone's own output.

    Attributes:
        off: names of outputs that are switched off: they are not returned, and heads among them are not called.
        log_variances: by the name of each loss whose weight is learned; no policy freezes them.
    """

    def __init__(self, backbone: nn.Module, output: str) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = nn.ModuleDict()
        self.log_variances = nn.ParameterDict()
        self.taps: dict[str, str] = {}
        self.off: set[str] = set()
        self._output = output

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Return the outputs by name, in the order of their birth.

        The arguments are those of the backbone; one that is a mapping may be given whole, see `harness.models.call`.
        """
        if len(args) == 1 and isinstance(args[0], Mapping) and not kwargs:
            args, kwargs = arguments(self.backbone, args[0])
        if not self.taps:
            return self.read(self.backbone(*args, **kwargs), {})
        with capture(self.backbone, self.taps.values()) as features:
            result = self.backbone(*args, **kwargs)
        only_tensor = len(args) == 1 and not kwargs and isinstance(args[0], Tensor)
        return self.read(result, features, {} if only_tensor else named_arguments(self.backbone, args, kwargs))

    def read(
        self, result: Any, features: Mapping[str, Tensor], batch: Mapping[str, Any] = NOTHING
    ) -> dict[str, Tensor]:
        """Return the outputs by name.

        Args:
            result: what the backbone returns.
            features: `[B, ...]` at each tap.
            batch: what the backbone was called with, by name; heads find their masks in it.
        """
        outputs = dict(result) if isinstance(result, Mapping) else {self._output: result}
        for name, head in self.heads.items():
            if name in outputs:
                raise SpecError(f"expected the head {name!r} to have a name of its own; the network returns one, too")
            if name not in self.off:
                outputs[name] = _answer(head, features, self.taps[name], batch)
        return {name: value for name, value in outputs.items() if name not in self.off}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Load tensors by name. Raises `RuntimeError` if they are those of a network that has grown otherwise."""
        try:
            return super().load_state_dict(state_dict, strict=strict, assign=assign)
        except RuntimeError as error:
            if state_dict.keys() == self.state_dict().keys():
                raise
            raise RuntimeError(f"{error}\n\t{HOW_TO_LOAD}") from None

    def attach(self, name: str, head: nn.Module, tap: str) -> None:
        """Add a head that reads `tap`, a module path of the backbone.

        Raises:
            SpecError: there is an output of that name.
            TapNotFoundError: there is no such tap.
        """
        if name in self.heads or name == self._output:
            raise SpecError(f"expected a new name for the head, found {name!r}, which exists; choose another")
        if not name or "." in name or hasattr(self.heads, name):
            raise SpecError(f"expected a name that a module can have, found {name!r}; choose another, without dots")
        with capture(self.backbone, [tap]):
            self.heads[name] = head
            self.taps[name] = tap

    def remove(self, name: str) -> None:
        """Take the head `name` away, with all that it holds.

        Raises:
            SpecError: there is no such head, or no output would be on afterwards.
        """
        if name not in self.heads:
            own = "; the network's own output can be switched off: ToggleHead" if name == self._output else ""
            raise SpecError(f"no head {name!r} to remove{own}.{did_you_mean(name, self.heads)}")
        if not {self._output, *self.heads} - self.off - {name}:
            raise SpecError(f"expected an output that stays, found {name!r} to be the last; switch another on first")
        del self.heads[name]
        del self.taps[name]
        self.off = self.off - {name}

    def switch(self, name: str, *, on: bool) -> None:
        """Switch the output `name` on or off; the parameters that compute it keep their values.

        Raises:
            SpecError: there is no such output, or none would be on afterwards.
        """
        names = [self._output, *self.heads]
        if name not in names:
            raise SpecError(f"no output {name!r} to switch.{did_you_mean(name, names)}")
        off = self.off - {name} if on else self.off | {name}
        if off >= set(names):
            raise SpecError(f"expected an output that stays on, found {name!r} to be the last; switch another on first")
        self.off = off

    def learn_weights(self, names: Iterable[str]) -> None:
        """Let the weights of the losses `names` be learned: each gets a log-variance, which begins at 0."""
        device = next((parameter.device for parameter in self.backbone.parameters()), None)
        for name in names:
            self.log_variances[name] = nn.Parameter(torch.zeros((), device=device))

    @property
    def own_output(self) -> str:
        """The name of the backbone's own output."""
        return self._output

    @property
    def dtype(self) -> torch.dtype:
        """The type of the backbone's floating-point parameters."""
        return next((p.dtype for p in self.backbone.parameters() if p.is_floating_point()), torch.float32)


def _answer(head: nn.Module, features: Mapping[str, Tensor], tap: str, batch: Mapping[str, Any]) -> Any:
    if not isinstance(head, Head):
        return head(features[tap])
    read = features.of_call(tap, head.call) if isinstance(features, Features) else features[tap]
    return head(read) if (mask := mask_in(batch, head.mask)) is None else head(read, mask)
