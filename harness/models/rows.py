"""Rows of a weight that several modules hold: an embedding and the output layer that is tied to it."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.models.widened import Widened

__all__ = ["Holder", "check_rows", "holders", "replace_rows", "successor"]

HAVE_ROWS = (nn.Conv2d, nn.Embedding, nn.EmbeddingBag, nn.Linear)
SIZES = ("num_embeddings", "out_features", "out_channels")


@dataclass(frozen=True)
class Holder:
    """The attribute `name` of `module`, which lies at `path`, as in `named_modules`."""

    path: str
    module: nn.Module
    name: str

    def __str__(self) -> str:
        return f"{self.path}.{self.name}" if self.path else self.name


def holders(model: nn.Module, tensor: Tensor) -> tuple[Holder, ...]:
    """Return every place in `model` that holds `tensor`, a parameter or a buffer."""
    return tuple(
        Holder(path, module, name)
        for path, module in model.named_modules()
        for name, held in _own_tensors(module)
        if held is tensor
    )


def _own_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor | None]]:
    # Not by `named_parameters`, which names a tensor once even if a module holds it twice.
    for table in ("_parameters", "_buffers"):
        yield from vars(module)[table].items()


def check_rows(model: nn.Module, tensor: Tensor, path: str, advice: str) -> None:
    """Check that all that hold `tensor`, a weight or bias of the layer at `path`, can take more rows.

    Raises:
        ModulePathError: a module of another kind holds it, or one whose rows lie before those of others.
    """
    for holder in holders(model, tensor):
        layer = holder.name == "weight" and isinstance(
            holder.module, nn.Embedding | nn.EmbeddingBag | nn.Linear | nn.Conv2d
        )
        if not layer and not holder.name.endswith("bias"):
            raise ModulePathError(
                f"expected embeddings and output layers to hold the rows of {path!r}, found them in {str(holder)!r} "
                f"({type(holder.module).__name__}) too; {advice}"
            )
        if holder.path.endswith("base_layer"):
            raise ModulePathError(
                f"expected {path!r} to share its rows with no layer that has an adapter, found {str(holder)!r}; merge "
                "the adapter first"
            )
        _check_last(model, holder, path, advice)


def _check_last(model: nn.Module, holder: Holder, path: str, advice: str) -> None:
    owner = holder.path.removesuffix(f".{holder.path.rpartition('.')[2]}").removesuffix("parts").rstrip(".")
    widened = model.get_submodule(owner) if ".parts." in f".{holder.path}" else None
    if isinstance(widened, Widened) and widened.layers[-1] is not holder.module:
        raise ModulePathError(
            f"expected the rows of {path!r} to be the last of an output layer, found others after those of "
            f"{holder.path!r}; {advice}"
        )


def replace_rows(model: nn.Module, old: Tensor, values: Tensor) -> Tensor:
    """Put `values`, in which the old rows come first, wherever `model` holds `old`, and return the new tensor.

    All holders stay the same objects, and the new tensor is the `successor` of the old one.
    """
    new = successor(old, values)
    for holder in holders(model, old):
        setattr(holder.module, holder.name, new)
        for size in SIZES:
            if vars(holder.module).get(size) == len(old):
                setattr(holder.module, size, len(new))
    return new


def successor(old: Tensor, values: Tensor) -> Tensor:
    """Return a tensor with these values, of device and type of `old`.

    The successor of a parameter is a parameter, with its `requires_grad` and its marks, such as those for weight decay.
    """
    new = values.detach().to(old, copy=True)
    if isinstance(old, nn.Parameter):
        new = nn.Parameter(new, requires_grad=old.requires_grad)
        vars(new).update(vars(old))
    return new
