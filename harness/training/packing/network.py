"""Several networks of the same shape as one."""

from collections.abc import Mapping, Sequence

from torch import nn

from harness.models.cut import CUT, TAP, uncut
from harness.training.features import Feed
from harness.training.packing.layers import Features, Layer, Parameters, Streams, layer_of
from harness.training.packing.shared_storage import SharedParameter

__all__ = ["PackedNetwork", "pack_networks"]


class PackedNetwork:
    """K networks, called at once for a batch of each.

    Args:
        layers: of the backbones, or of what lies above the cuts, each with its path.
        heads: by name, each with its tap, in the order of their birth; those that are switched on.
        sources: the path of the layer whose output is at a tap.
        own: the name of the backbones' own output, or None if it is off.

    Attributes:
        shared: the parameters that lie in one tensor.
        draws: whether a layer draws random numbers.
    """

    def __init__(
        self,
        layers: Sequence[tuple[str, Layer]],
        heads: Mapping[str, tuple[str, Layer]],
        sources: Mapping[str, str],
        own: str | None,
        shared: Sequence[SharedParameter],
        *,
        draws: bool,
    ) -> None:
        self._layers, self._heads, self._own = layers, heads, own
        self._sources = sources
        self.shared = shared
        self.draws = draws

    def __call__(self, features: Mapping[str, Features], streams: Streams) -> dict[str, Features]:
        """Return the outputs by name.

        Args:
            features: what lies below: the features at the cut, and those at taps below it; or the inputs.
            streams: from which each network's dropout draws.
        """
        at_paths: dict[str, Features] = {}
        value = features[CUT]
        for path, layer in self._layers:
            value = layer(value, streams)
            at_paths[path] = value
        outputs = {} if self._own is None else {self._own: value}
        for name, (tap, head) in self._heads.items():
            below = features.get(TAP + tap, features[CUT])
            outputs[name] = head(at_paths[self._sources[tap]] if tap in self._sources else below, streams)
        return outputs


def pack_networks(feeds: Sequence[Feed]) -> PackedNetwork | None:
    """Return the networks of `feeds` as one, whose parameters then lie in its tensors; None if there is a layer without rule.

    The networks have the same shape, and are in the modes in which they are trained.
    """
    cuts = [feed.cut or uncut(feed.model) for feed in feeds]
    model = feeds[0].model
    _, sources = cuts[0].taps
    paths = [path for path, _ in cuts[0].above]
    if not set(sources.values()) <= set(paths):
        return None
    parameters = Parameters()
    rows = zip(*([module for _, module in cut.above] for cut in cuts), strict=True)
    layers = [layer_of(modules, parameters) for modules in rows]
    names = [name for name in model.heads if name not in model.off]
    heads = [layer_of([feed.model.heads[name] for feed in feeds], parameters) for name in names]
    if None in layers or None in heads:
        return None
    return PackedNetwork(
        list(zip(paths, layers, strict=True)),  # type: ignore[arg-type]
        {name: (model.taps[name], head) for name, head in zip(names, heads, strict=True)},  # type: ignore[misc]
        sources,
        None if model.own_output in model.off else model.own_output,
        list(parameters.shared.values()),
        draws=any(isinstance(module, nn.Dropout) and module.training for module in model.modules()),
    )
