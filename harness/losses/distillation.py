"""Distillation: learning from a teacher's softened probabilities."""

import functools
from typing import Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor
from torch.nn import functional

from harness.core.errors import SpecError
from harness.losses._base import AbstractLoss, Batch

__all__ = ["Distillation"]


class Distillation(AbstractLoss):
    """T^2 * KL(p || q), p and q the teacher's and the student's softmax at temperature T (arXiv 1503.02531).

    The factor T^2 keeps the size of gradients independent of the temperature. There is no component while the model has
    no teacher; an operation or a growth with `keep_teacher` makes one.

    Attributes:
        output: the output whose logits are compared; by default the joined logits of all heads.
        temperature: T.
        columns: for each column of the student, the teacher's column whose probability it shares, or None to leave it
            out. By default the teacher's columns are the first ones of the student.
    """

    kind: Literal["distillation"] = "distillation"
    output: str | None = None
    temperature: PositiveFloat = 2.0
    columns: tuple[int | None, ...] | None = None

    @property
    def needs_teacher(self) -> bool:
        """Return True."""
        return True

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return one component, or none."""
        if batch.teacher is None:
            return {}
        heads = (self.output,) if self.output else batch.specs.label_map.heads
        # Heads that arrived with or after the teacher have nothing to learn from; they come last.
        heads = tuple(head for head in heads if head in batch.teacher and head in batch.outputs)
        if not heads:
            return {}
        old = torch.cat([batch.teacher[head] for head in heads], dim=1) / self.temperature
        new = self._student(batch, heads) / self.temperature
        divergence = functional.kl_div(
            self._as_old(new, old.shape[1]), old.log_softmax(dim=1), log_target=True, reduction="batchmean"
        )
        return {name: self.temperature**2 * divergence}

    def _student(self, batch: Batch, heads: tuple[str, ...]) -> Tensor:
        """Return the student's logits; unless `columns` is given, of the teacher's columns alone."""
        if self.columns is not None or batch.teacher is None:
            return torch.cat([batch.outputs[head] for head in heads], dim=1)
        return torch.cat([batch.outputs[head][:, : batch.teacher[head].shape[1]] for head in heads], dim=1)

    def _as_old(self, logits: Tensor, size: int) -> Tensor:
        """Return log probabilities `[B, size]` of the teacher's columns from the student's `logits`."""
        if self.columns is None:
            if logits.shape[1] != size:
                raise SpecError(
                    f"expected a student with the teacher's {size} columns, found {logits.shape[1]}; give columns"
                )
            return logits.log_softmax(dim=1)
        self._check(self.columns, logits.shape[1], size)
        return (logits[:, None] + _parts(self.columns, size, logits.device)).logsumexp(dim=2).log_softmax(dim=1)

    def _check(self, columns: tuple[int | None, ...], have: int, size: int) -> None:
        if len(columns) != have or {column for column in columns if column is not None} != set(range(size)):
            raise SpecError(
                f"expected for each of the student's {have} columns one of the teacher's {size}, each at least once, "
                f"found {len(columns)} columns that name {len({*columns} - {None})}; see columns of the distillation"
            )


@functools.lru_cache(maxsize=8)  # a copy to a GPU at each step would make it wait
def _parts(columns: tuple[int | None, ...], size: int, device: torch.device) -> Tensor:
    """Return `[size, C]`: 0 where a column of the student belongs to one of the teacher, else minus infinity."""
    parts = torch.full((size, len(columns)), -torch.inf)
    for new, old in enumerate(columns):
        if old is not None:
            parts[old, new] = 0.0
    return parts.to(device)
