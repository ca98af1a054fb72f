"""Several networks of any code as one: their forward pass, mapped over the parameters and buffers of all."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from harness.models.taps import capture
from harness.training.features import Feed
from harness.training.packing.batching import at_once
from harness.training.packing.functions import ExactFunctions
from harness.training.packing.layers import Features, is_hooked
from harness.training.packing.shared_storage import SharedParameter, share
from harness.training.packing.signature import heads_of

__all__ = ["TAP", "MappedNetwork", "map_networks"]

TAP = "tap/"


@dataclass(frozen=True)
class _Group:
    """Networks that follow each other in a pack and agree in their heads.

    Attributes:
        rows: their places.
        forward: calls the first of them.
        shared: all their parameters and buffers, by name.
    """

    rows: slice
    forward: "_Forward"
    shared: Mapping[str, SharedParameter]

    def outputs(self, below: Mapping[str, Tensor], streams: Sequence[torch.Generator] | None) -> dict[str, Tensor]:
        """Return what the networks return, `[K, B, ...]` by name, for what they read, `[K, B, ...]` by name."""
        count = self.rows.stop - self.rows.start

        def called(tensors: Mapping[str, Tensor], below: Mapping[str, Tensor]) -> dict[str, Tensor]:
            with ExactFunctions(count, streams):
                outputs: dict[str, Tensor] = functional_call(self.forward, dict(tensors), (below,))
                return outputs

        return at_once(called, count, {name: one.values for name, one in self.shared.items()}, below)


class MappedNetwork:
    """K networks, whose forward pass is the code of one of them, called once for all that agree in their heads.

    Attributes:
        shared: the parameters that lie in one tensor.
        draws: whether a layer draws random numbers.
    """

    def __init__(self, groups: Sequence[_Group], *, draws: bool) -> None:
        self._groups, self.draws = groups, draws
        moving = [one for group in groups for one in group.shared.values()]
        self.shared = [one for one in moving if isinstance(one.parameters[0], nn.Parameter)]

    def __call__(
        self, below: Tensor | Sequence[Mapping[str, Tensor]], streams: Sequence[torch.Generator] | None
    ) -> dict[str, Features]:
        """Return the outputs by name, as `PackedNetwork` does."""
        found: dict[str, list[Tensor]] = {}
        for group in self._groups:
            own = below[group.rows]
            named = {"": own} if isinstance(own, Tensor) else {n: torch.stack([o[n] for o in own]) for n in own[0]}
            for name, values in group.outputs(named, streams and streams[group.rows]).items():
                found.setdefault(name, []).append(values)
        return {name: parts[0] if len(parts) == 1 else torch.cat(parts) for name, parts in found.items()}


class _Forward(nn.Module):
    """The forward pass of a feed as a module, so that its tensors can be exchanged."""

    def __init__(self, feed: Feed, taps: Sequence[str]) -> None:
        super().__init__()
        self.model = feed.model
        self._feed, self._taps = feed, taps

    def forward(self, below: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the outputs by name, and the features at the taps."""
        held = [id(buffer) for buffer in self.model.buffers()]
        with capture(self.model.backbone, self._taps) as features:
            outputs = self._feed.cut.outputs(below) if self._feed.cut else self.model(below[""])
        if held != [id(buffer) for buffer in self.model.buffers()]:
            raise RuntimeError("expected buffers that are changed in place, found new ones")
        return outputs | {TAP + tap: features[tap] for tap in self._taps}


def map_networks(feeds: Sequence[Feed], taps: Sequence[str] = ()) -> MappedNetwork | None:
    """Return the networks of `feeds` as one, whose parameters and buffers then lie in its tensors.

    None if a network is hooked, since the code of one is called for all.

    Args:
        feeds: those whose heads agree follow each other.
        taps: whose features are among the outputs, under `TAP` and their names.
    """
    if any(is_hooked(module) for feed in feeds for module in feed.model.modules()):
        return None
    groups, start = list[_Group](), 0
    for _, alike in itertools.groupby(feeds, lambda feed: heads_of(feed.model)):
        own = list(alike)
        forward = _Forward(own[0], taps)
        tensors = [_tensors(feed.model) for feed in own]
        shared = {f"model.{name}": share([one[name] for one in tensors], start) for name in tensors[0]}
        groups.append(_Group(slice(start, start := start + len(own)), forward, shared))
    return MappedNetwork(groups, draws=any(module.training for feed in feeds for module in feed.model.modules()))


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    return dict(model.named_parameters()) | dict(model.named_buffers())
