"""A network as a graph: each call of a layer or function is a node that can be computed again.

`torch.fx` makes the graph, and a forward pass without side effects its values. Neither calls hooks, except those that
send features through an inserted layer. The graph must compute what the network computes, which is checked. Names in
the graph are module paths after `model.`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from harness.core.errors import ModulePathError
from harness.models.attributes import same_attributes
from harness.models.eval_mode import without_side_effects
from harness.models.growable import GrowableModel
from harness.models.inserted import Inserted, first_of, inserted_after, with_first
from harness.models.pooling import pooled
from harness.models.switched_off import SwitchedOff

__all__ = ["FAILURES", "Trace", "Values", "first_line", "trace"]

# The exceptions of foreign code that is called with inputs that it was not written for.
FAILURES: tuple[type[Exception], ...] = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError)
FAILURES += (RuntimeError, StopIteration, TypeError, ValueError)

Values = dict[fx.Node, Any]


@dataclass(frozen=True)
class Trace:
    """A graph and the values of its nodes in one forward pass.

    Attributes:
        root: holds the network as `model`.
        graph: its nodes are in the order of computation.
        values: the value of each node, in eval mode.
    """

    root: nn.Module
    graph: fx.Graph
    values: Values

    def compute(self, node: fx.Node, values: Values) -> Any:
        """Return the value of `node` if those before it have `values`."""
        interpreter = _WithoutHooks(self.root, graph=self.graph)
        interpreter.env = values
        return interpreter.run_node(node)

    def module(self, node: fx.Node) -> nn.Module | None:
        """Return the module that `node` calls, if it does."""
        return self.root.get_submodule(str(node.target)) if node.op == "call_module" else None


def trace(model: nn.Module, inputs: Tensor) -> Trace:
    """Return the graph of `model` and its values for `inputs` `[B, ...]`. Nothing is changed.

    Raises:
        ModulePathError: `torch.fx` cannot trace the network, or its graph computes something else.
    """
    if _is_hooked(model):
        raise ModulePathError(f"expected no hooks that compute in {type(model).__name__}, found a branch or an adapter")
    with without_side_effects(model, inputs), same_attributes(model):
        expected = model(inputs)
        root, graph = _graph(model)
        interpreter = _WithoutHooks(root, graph=graph, garbage_collect_values=False)
        computed = interpreter.run(inputs)
    if not _agree(expected, computed):
        raise ModulePathError(
            f"expected {type(model).__name__} to compute what torch.fx traces, found other outputs; "
            "a forward hook or a random choice changes them"
        )
    return Trace(root, graph, interpreter.env)


def _is_hooked(model: nn.Module) -> bool:
    """Return whether a hook computes what the graph would leave out."""
    tables = [vars(module)[name] for module in model.modules() for name in ("_forward_hooks", "_forward_pre_hooks")]
    return any(getattr(hook, "is_untraced", False) for table in tables for hook in table.values())


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _graph(model: nn.Module) -> tuple[nn.Module, fx.Graph]:
    tracer = _Tracer(frozenset(model.taps.values()) if isinstance(model, GrowableModel) else frozenset())
    root = _Root(model, tracer)
    try:
        return root, tracer.trace(root)
    except FAILURES as error:
        raise ModulePathError(
            f"expected a network that torch.fx can trace, found that {type(model).__name__} is none: "
            f"{first_line(error)}; give it layers that follow without conditions on values and shapes"
        ) from None


class _Root(nn.Module):
    """Calls a network as its own forward does, with heads that read taps without hooks."""

    def __init__(self, model: nn.Module, tracer: "_Tracer") -> None:
        super().__init__()
        self.model = model
        self.tracer = tracer

    def forward(self, inputs: Tensor) -> Any:
        """Return the outputs of the network for `inputs` `[B, ...]`."""
        if not isinstance(self.model, GrowableModel):
            return self.model(inputs)
        result = self.model.backbone(inputs)
        # Heads that are off are called too: they must fit what they read when they are switched on again.
        outputs = {
            name: head(self.tracer.tapped[f"model.backbone.{self.model.taps[name]}"])
            for name, head in self.model.heads.items()
        }
        return result, {name: value for name, value in outputs.items() if name not in self.model.off}


class _Tracer(fx.Tracer):
    """Traces modules without their hooks, and modules that are switched off as if they were on."""

    def __init__(self, taps: frozenset[str]) -> None:
        super().__init__(autowrap_functions=(pooled,))
        self.taps = taps
        self.tapped: dict[str, fx.Proxy] = {}

    def call_module(self, m: nn.Module, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return a proxy for the output of `m`, passed through the layers inserted there."""
        del forward  # it would call the hooks
        output = self._call(m, args, kwargs)
        for name in inserted_after(m):
            first = self.create_proxy("call_function", first_of, (output,), {})
            changed = m.get_submodule(name)(first)
            output = self.create_proxy("call_function", with_first, (output, changed), {})
        path = self.path_of_module(m)
        if path.removeprefix("model.backbone.") in self.taps:
            self.tapped[path] = self.create_proxy("call_function", first_of, (output,), {})
        return output

    def _call(self, m: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(m, SwitchedOff):
            m.branch(*args, **kwargs)
            return m.filled(self.create_proxy("call_function", torch.zeros, ((),), {}))
        if isinstance(m, Inserted) and not m.on:
            m.changed(*args, **kwargs)
            return args[0]
        return super().call_module(m, m.forward, args, kwargs)


class _WithoutHooks(fx.Interpreter):
    """Computes a graph; hooks of modules are not called."""

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the output of the module at `target`."""
        return self.fetch_attr(target).forward(*args, **kwargs)


def _agree(expected: Any, computed: Any) -> bool:
    # From the last: the output of the backbone, which comes first, may be switched off.
    pairs = list(zip(list(_tensors(expected))[::-1], list(_tensors(computed))[::-1], strict=False))
    same = all(a.shape == b.shape and torch.allclose(a, b, rtol=1e-3, atol=1e-4, equal_nan=True) for a, b in pairs)
    return same and bool(pairs)


def _tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in an output, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)
