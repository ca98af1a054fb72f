"""More rows for an embedding, and for the output layer that goes with it: new tokens, new tasks."""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.growth.computed_weights import grown_as_plain
from harness.growth.new_rows import replaced
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Moments, Promise
from harness.initializers import AbstractInitializer, LayerContext, LikeOldRows, MeanOfOldRows
from harness.models.embeddings import embedding_at, follow_vocabulary, output_biases, output_layers, weights_of
from harness.models.paths import full_path, short_path
from harness.models.rows import check_rows

__all__ = ["ResizeEmbedding"]


class ResizeEmbedding(AbstractOperation):
    """Grow the embedding at `path` to `to` rows; the old rows come first, and old outputs differ by rounding alone.

    All that holds the embedding's weight follows: other embeddings, and an output layer that is tied to it, with its
    biases. So does an output layer with weights of its own that the network names itself, as Hugging Face's do, or that
    is named here. What the modules around them and their configs say of the size, such as `vocab_size`, follows too.
    The embedding stays the same object with its `padding_idx`.

    Attributes:
        output: the path of an output layer with weights of its own and a row for each row of the embedding.
        new_rows: fills the new weights, as rows of each weight.
        new_bias: fills the new biases of the output layer, if it has any.
        moments: which moments the new rows have; see `Carried`.
    """

    kind: Literal["resize_embedding"] = "resize_embedding"
    path: str
    to: PositiveInt
    output: str | None = None
    new_rows: AbstractInitializer = LikeOldRows()
    new_bias: AbstractInitializer = MeanOfOldRows()
    moments: Moments = "zero"

    def promise(self) -> Promise:
        """Return that old columns are the same but for rounding."""
        return Promise.CLOSE

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:  # noqa: ARG002
        """Add the rows. Raises `ModulePathError` for no embedding, `SpecError` if it has `to` rows or more."""
        return grown_as_plain(model, lambda: self._grow(model, generator))

    def _grow(self, model: nn.Module, generator: torch.Generator) -> Growth:
        embedding, before = embedding_at(model, self.path), list(model.parameters())
        have = len(embedding.weight)
        if self.to <= have:
            raise SpecError(f"expected to={self.to} to exceed the rows of {self.path!r}, found {have} of them")
        layers = output_layers(model, self.path, self.output)
        weights, biases = weights_of(embedding, layers), output_biases(model, layers, have)
        for tensor in (*weights, *biases):
            check_rows(model, tensor, self.path, "untie them first")
        # All values first: an initializer that cannot fill a tensor raises while nothing has changed.
        grown: list[tuple[Tensor, Tensor]] = [(old, self._grown(old, self.new_rows, generator)) for old in weights]
        for old in biases:
            values = self._grown(old.flatten(), self.new_bias, generator)
            grown.append((old, values.reshape(*old.shape[:-1], self.to)))
        carried = tuple(item for old, values in grown for item in replaced(model, old, values, self.moments))
        follow_vocabulary(model, [full_path(model, self.path), *layers], have, self.to)
        columns = (*range(have), *[None] * (self.to - have))
        return Growth.between(
            before, model, carried=carried, columns={short_path(model, name): columns for name in layers}
        )

    def _grown(self, old: Tensor, init: AbstractInitializer, generator: torch.Generator) -> Tensor:
        """Return `[to, ...]`: the rows of `old` and new ones."""
        fan_in = old[0].numel()
        context = LayerContext(fan_in, self.to, old.detach().float().cpu())
        new = init.values((self.to - len(old), *old.shape[1:]), context, generator)
        return torch.cat([old.detach(), new.to(old)])
