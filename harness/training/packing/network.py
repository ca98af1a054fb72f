"""Several networks of the same shape as one."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.models.cut import CUT, TAP, uncut
from harness.models.growable import GrowableModel
from harness.training.features import Feed
from harness.training.packing.layers import Features, Layer, Parameters, Streams, layer_of, stacked
from harness.training.packing.shared_storage import SharedParameter
from harness.training.packing.signature import heads_of

__all__ = ["PackedNetwork", "pack_networks"]


@dataclass(frozen=True)
class _HeadGroup:
    """The heads of networks that follow each other in a pack and agree in them.

    Attributes:
        rows: the networks.
        heads: by name, each with its tap, in the order of their birth; those that are switched on.
    """

    rows: slice
    heads: Mapping[str, tuple[str, Layer]]


class PackedNetwork:
    """K networks, called at once for a batch of each; their backbones agree, and their heads in groups.

    Args:
        layers: of the backbones, or of what lies above the cuts, each with its path.
        groups: of heads.
        sources: the path of the layer whose output is at a tap.
        own: the name of the backbones' own output, or None if it is off.

    Attributes:
        shared: the parameters that lie in one tensor.
        draws: whether a layer draws random numbers.
    """

    def __init__(
        self,
        layers: Sequence[tuple[str, Layer]],
        groups: Sequence[_HeadGroup],
        sources: Mapping[str, str],
        own: str | None,
        shared: Sequence[SharedParameter],
        *,
        draws: bool,
    ) -> None:
        self._layers, self._groups, self._sources, self._own = layers, groups, sources, own
        self.shared, self.draws = shared, draws

    def __call__(self, below: Tensor | Sequence[Mapping[str, Tensor]], streams: Streams) -> dict[str, Features]:
        """Return the outputs by name.

        Args:
            below: inputs `[K, B, ...]`; or by network, the features at the cut and those at taps below it.
            streams: from which each network's dropout draws; None in an evaluation.
        """
        features = [] if isinstance(below, Tensor) else below
        value: Features = below if isinstance(below, Tensor) else _together([own[CUT] for own in features])
        at_paths: dict[str, Features] = {}
        for path, layer in self._layers:
            value = layer(value, streams)
            at_paths[path] = value
        outputs: dict[str, list[Features]] = {} if self._own is None else {self._own: [value]}
        for group in self._groups:
            for name, (tap, head) in group.heads.items():
                if tap in self._sources:
                    read = at_paths[self._sources[tap]][group.rows]
                else:
                    read = _together([own.get(TAP + tap, own[CUT]) for own in features[group.rows]])
                outputs.setdefault(name, []).append(head(read, streams and streams[group.rows]))
        return {name: _joined(parts) for name, parts in outputs.items()}


def pack_networks(feeds: Sequence[Feed]) -> PackedNetwork | None:
    """Return the networks of `feeds` as one, whose parameters then lie in its tensors; None if a layer has no rule.

    The backbones have the same shape, and are in the modes in which they are trained. Networks whose heads agree follow
    each other.
    """
    cuts = [feed.cut or uncut(feed.model) for feed in feeds]
    model = feeds[0].model
    sources = {tap: path for cut in cuts for tap, path in cut.taps[1].items()}
    paths = [path for path, _ in cuts[0].above]
    if not set(sources.values()) <= set(paths):
        return None
    parameters = Parameters()
    rows = zip(*([module for _, module in cut.above] for cut in cuts), strict=True)
    layers = [layer_of(modules, parameters) for modules in rows]
    shared, groups = list(parameters.shared.values()), []
    start = 0
    for _, alike in itertools.groupby(feeds, lambda feed: heads_of(feed.model)):
        models = [feed.model for feed in alike]
        own = Parameters(start)
        rows_of_group = slice(start, start := start + len(models))
        heads = {name: layer_of([other.heads[name] for other in models], own) for name in models[0].heads}
        groups.append((rows_of_group, models[0], heads))
        shared += own.shared.values()
    if None in layers or any(None in heads.values() for _, _, heads in groups):
        return None
    return PackedNetwork(
        list(zip(paths, layers, strict=True)),  # type: ignore[arg-type]
        [_HeadGroup(rows, _switched_on(first, heads)) for rows, first, heads in groups],
        sources,
        None if model.own_output in model.off else model.own_output,
        shared,
        draws=any(isinstance(one, nn.Dropout) and one.training for feed in feeds for one in feed.model.modules()),
    )


def _switched_on(model: GrowableModel, heads: Mapping[str, Layer | None]) -> dict[str, tuple[str, Layer]]:
    return {name: (model.taps[name], head) for name, head in heads.items() if head and name not in model.off}


def _joined(parts: Sequence[Features]) -> Features:
    return parts[0] if len(parts) == 1 else torch.cat([stacked(part) for part in parts])


def _together(features: Sequence[Tensor]) -> Features:
    first = features[0]
    return torch.stack(list(features)) if all(one.shape == first.shape for one in features) else list(features)
