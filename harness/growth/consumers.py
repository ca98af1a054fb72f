"""Which norms and layers read the units of a layer, and so need more inputs when it gets more units.

They are found by an experiment, not by a list of known functions. In the graph of the network, the layer's output is
replaced by made-up values of more units, and everything that depends on it is computed again. So activations, dropout,
pooling, flattening, other shapes and a network's own functions need no special treatment. Each value that depends on
the units must be the earlier value, longer at the end of one dimension. The experiment is made twice. New units that
are NaN show that no old unit depends on a new one. New units that are copies of old ones show which inputs belong to
which unit: those of a copy must equal those of its original.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from harness.core.errors import ModulePathError
from harness.growth.tracing import FAILURES, Trace, Values, first_line
from harness.models.eval_mode import without_side_effects

__all__ = ["Consumers", "Layer", "Norm", "Reader", "consumers", "feature_dim"]

Layer = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d
Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d | nn.SyncBatchNorm


@dataclass(frozen=True)
class Reader:
    """A layer or norm that reads units.

    Attributes:
        path: of the module, as in `named_modules`.
        offset: the number of inputs before those of the units.
        block: the number of inputs of each unit, side by side: more than one if maps were flattened.
    """

    path: str
    node: fx.Node
    offset: int
    block: int


@dataclass(frozen=True)
class Consumers:
    """All that must grow together with a layer.

    Attributes:
        source: the node that calls the layer.
        between: the nodes that depend on the units, in the order of computation.
        norms: norms that the units pass through.
        layers: layers that read them; nothing behind those must grow.
    """

    source: fx.Node
    between: tuple[fx.Node, ...]
    norms: tuple[Reader, ...]
    layers: tuple[Reader, ...]


def feature_dim(module: nn.Module) -> int:
    """Return the dimension, counted from the end, of the features in a layer's input and in its output."""
    dims = {nn.Linear: -1, nn.Conv1d: -2, nn.Conv2d: -3, nn.Conv3d: -4}
    return next(dim for kind, dim in dims.items() if isinstance(module, kind))


def consumers(trace: Trace, path: str, added: int) -> Consumers:
    """Return what must grow if the layer at `path`, as in `named_modules`, gets `added` units.

    Raises:
        ModulePathError: something cannot grow with it; the message names it.
    """
    experiment = _Experiment(trace, path, added)
    with without_side_effects(trace.root, trace.values[experiment.source]):
        return experiment.run()


class _Experiment:
    """Three runs side by side: with the old units alone, with new ones that are NaN, and with copies as new ones."""

    def __init__(self, trace: Trace, path: str, added: int) -> None:
        self.trace = trace
        self.path = path
        self.source = _only_call(trace, path)
        self.dim = feature_dim(trace.root.get_submodule(f"model.{path}"))
        features = trace.values[self.source]
        self.units = features.shape[self.dim]
        # Not in their own order: a function that repeats its inputs would look like one that copies units.
        backwards = torch.arange(self.units, device=features.device).flip(0)
        self.originals = backwards.repeat(added // self.units + 1)[:added]
        self.runs: tuple[Values, ...] = tuple(_cloned(trace.values) for _ in range(3))
        self.touched = {self.source}
        self._begin(features)

    def _begin(self, features: Tensor) -> None:
        # Positive, so that no ReLU hides them.
        drawn = torch.rand(features.shape, generator=torch.Generator().manual_seed(0)) + 0.5
        old = drawn.to(features)
        copies = old.index_select(self.dim, self.originals)
        more = (old, torch.cat([old, copies * torch.nan], self.dim), torch.cat([old, copies], self.dim))
        for values, value in zip(self.runs, more, strict=True):
            values[self.source] = value

    def run(self) -> Consumers:
        norms, layers, between = [], [], []
        for node in self._nodes_after():
            reader = self._reader(node)
            if reader is None:
                self._compute(node)
                between.append(node)
            elif isinstance(self.trace.module(node), Layer):
                layers.append(reader)
            else:
                self._pass(node)
                norms.append(reader)
                between.append(node)
        for reader in (*norms, *layers):
            _only_call(self.trace, reader.path)
        return Consumers(self.source, tuple(between), tuple(norms), tuple(layers))

    def _nodes_after(self) -> Iterator[fx.Node]:
        """Yield the nodes that depend on the units, including those that depend on a node yielded before."""
        nodes = list(self.trace.graph.nodes)
        for node in nodes[nodes.index(self.source) + 1 :]:
            if any(earlier in self.touched for earlier in node.all_input_nodes):
                if node.op == "output":
                    raise self._refusal(node, "they are outputs of the network; widen the head instead")
                yield node

    def _reader(self, node: fx.Node) -> Reader | None:
        """Return the layer or norm that `node` calls, if its inputs are units."""
        module = self.trace.module(node)
        if not isinstance(module, Layer | Norm) or getattr(module, "groups", 1) != 1:
            return None
        layout = self._layout(node, lambda values: values[node.all_input_nodes[0]])
        wanted = feature_dim(module) if isinstance(module, Layer) else 1
        if layout is None or layout[0] != wanted % self.runs[0][node.all_input_nodes[0]].dim():
            return None
        return Reader(str(node.target).removeprefix("model."), node, *layout[1:])

    def _pass(self, node: fx.Node) -> None:
        """Let a norm pass its input: it treats each unit on its own."""
        for values in self.runs:
            values[node] = values[node.all_input_nodes[0]]
        self.touched.add(node)

    def _compute(self, node: fx.Node) -> None:
        for values in self.runs:
            try:
                values[node] = self.trace.compute(node, values)
            except FAILURES as error:
                raise self._refusal(node, f"it cannot take more of them: {first_line(error)}") from None
        if self._layout(node, lambda values: values[node]) is not None or not _all_same(self.runs, node):
            self.touched.add(node)

    def _layout(self, node: fx.Node, read: Callable[[Values], Any]) -> tuple[int, int, int] | None:
        """Return the dimension of a value in which the units lie, the entries before them, and the entries of each.

        Returns:
            None if the value does not depend on the units, or is no tensor.
        """
        old, strange, copied = map(read, self.runs)
        if not isinstance(old, Tensor) or (_same(old, strange) and _same(old, copied)):
            return None
        layout = self._layout_in(old.shape, copied.shape)
        if layout is None:
            raise self._refusal(node, f"it mixes them: a value of {list(old.shape)} becomes {list(copied.shape)}")
        dim, offset, block = layout
        kept = all(_same(old, new.narrow(dim, 0, old.shape[dim])) for new in (strange, copied))
        inputs = (self.originals[:, None] * block + torch.arange(block, device=old.device) + offset).flatten()
        new = copied.narrow(dim, old.shape[dim], len(inputs))
        if not kept or not _same(new, old.index_select(dim, inputs)):
            raise self._refusal(node, "it mixes them, so that what it makes of one depends on others")
        return layout

    def _layout_in(self, old: torch.Size, new: torch.Size) -> tuple[int, int, int] | None:
        changed = [dim for dim, (a, b) in enumerate(zip(old, new, strict=False)) if a != b]
        if len(old) != len(new) or len(changed) != 1:
            return None
        dim, added = changed[0], len(self.originals)
        block, rest = divmod(new[dim] - old[dim], added)
        offset = old[dim] - self.units * block
        return (dim, offset, block) if not rest and block > 0 and offset >= 0 else None

    def _refusal(self, node: fx.Node, why: str) -> ModulePathError:
        return ModulePathError(
            f"expected that {self.path!r} can get more units, found {_described(self.trace, node)}: {why}"
        )


def _only_call(trace: Trace, path: str) -> fx.Node:
    """Return the one node of the graph that calls the module at `path`, or uses a tensor of it."""
    names = {f"model.{path}", f"model.{path}.weight", f"model.{path}.bias"}
    uses: list[fx.Node] = [
        node for node in trace.graph.nodes if node.op in ("call_module", "get_attr") and node.target in names
    ]
    if len(uses) == 1 and uses[0].op == "call_module":
        return uses[0]
    why = "it is shared" if uses else "it is unused, or within a module that torch.fx takes as a whole"
    raise ModulePathError(f"expected one call of the layer {path!r}, found {len(uses)} uses: {why}; choose another")


def _described(trace: Trace, node: fx.Node) -> str:
    if module := trace.module(node):
        return f"{str(node.target).removeprefix('model.')!r} ({type(module).__name__})"
    what = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
    around = [path for path, _ in node.meta.get("nn_module_stack", {}).values()]
    where = around[-1].removeprefix("model").removeprefix(".") if around else ""
    return f"{node.name!r} ({what})" + (f" in {where!r}" if where else "")


def _cloned(values: Values) -> Values:
    # Functions may work in place, so no two runs may share a tensor.
    return {node: value.clone() if isinstance(value, Tensor) else value for node, value in values.items()}


def _all_same(runs: tuple[Values, ...], node: fx.Node) -> bool:
    old, *others = (values[node] for values in runs)
    if isinstance(old, int | float | str | bool | None | torch.Size | torch.dtype | torch.device):
        return all(old == other for other in others)
    return isinstance(old, Tensor) and all(_same(old, other) for other in others)


def _same(old: Tensor, new: Tensor) -> bool:
    """Return whether two values are equal, but for the rounding of vectorized functions."""
    if old.shape != new.shape:
        return False
    if not old.is_floating_point():
        return torch.equal(old, new)
    tolerance = 64 * torch.finfo(old.dtype).eps
    return torch.allclose(old, new, rtol=tolerance, atol=tolerance, equal_nan=True)
