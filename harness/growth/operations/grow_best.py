"""Several growths are tried, and the best one is kept."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeInt, PositiveInt, model_validator
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Promise
from harness.growth.rollback import undone
from harness.models.attributes import same_attributes
from harness.models.call import call
from harness.models.eval_mode import without_side_effects

__all__ = ["GrowBest"]

STRENGTH = (Promise.EXACT, Promise.CLOSE, Promise.NONE)


class GrowBest(AbstractOperation):
    """Try each of `candidates`, several times if its values are drawn, and keep what the probe says is best.

    So a network grows where it helps most (Firefly, arXiv 2102.08574; NeST, arXiv 1711.02017), or by the best of
    several candidate units (cascade correlation, Fahlman and Lebiere, 1989). The lineage holds what was kept.

    Attributes:
        candidates: what is tried; all add the same outputs.
        draws: how often each is tried, with other drawn values.
        by: what is best. `gradient`: the largest gradient of the loss for the new parameters and the new entries of
            those that grow, as its squared length; where growths keep the function, it says which lowers the loss
            fastest. `loss`: the lowest loss.
        output: the name of the output that the probe's targets belong to; the first unless given.
        stream: which of the streams the values are drawn from, once one candidate is kept.
    """

    kind: Literal["grow_best"] = "grow_best"
    candidates: Annotated[tuple[AbstractOperation, ...], Field(min_length=1)]
    draws: PositiveInt = 1
    by: Literal["gradient", "loss"] = "gradient"
    output: str | None = None
    stream: NonNegativeInt | None = None

    @model_validator(mode="after")
    def _alike(self) -> "GrowBest":
        added = [dict(candidate.new_outputs()) for candidate in self.candidates]
        if any(outputs != added[0] for outputs in added):
            raise ValueError(f"expected candidates that add the same outputs, found {added}")
        if self.stream is not None and len(self.candidates) * self.draws > 1:
            raise ValueError(f"expected one candidate and one draw with stream={self.stream}, found more")
        return self

    def promise(self) -> Promise:
        """Return what all candidates promise."""
        return max((candidate.promise() for candidate in self.candidates), key=STRENGTH.index)

    def new_outputs(self) -> Mapping[str, int]:
        """Return those of each candidate."""
        return self.candidates[0].new_outputs()

    @property
    def keeps_teacher(self) -> bool:
        """Whether a candidate does."""
        return any(candidate.keeps_teacher for candidate in self.candidates)

    @property
    def reads_loss(self) -> bool:
        """Whether the loss decides, or a candidate follows it."""
        return self.stream is None or any(candidate.reads_loss for candidate in self.candidates)

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:
        """Do what is best. Raises what a candidate raises, and `SpecError` for a probe without a loss."""
        if probe is None:
            raise SpecError("expected examples to compare growths on, found none; give probe=Probe(inputs, targets)")
        tried = list(self._tried(generator))
        marks = [self._mark(model, candidate, probe, seed) for _, candidate, seed in tried] if len(tried) > 1 else [0.0]
        stream, kept, seed = tried[max(range(len(tried)), key=marks.__getitem__)]
        growth = kept.apply(model, probe=probe, generator=torch.Generator().manual_seed(seed))
        chosen = {"candidates": (growth.chosen or kept,), "draws": 1, "stream": stream}
        return replace(growth, chosen=self.model_copy(update=chosen))

    def _tried(self, generator: torch.Generator) -> Iterator[tuple[int, AbstractOperation, int]]:
        """Yield the streams with the candidate and the seed of each."""
        count = len(self.candidates) * self.draws if self.stream is None else self.stream + 1
        seeds = torch.randint(2**62, (count,), generator=generator).tolist()
        first = 0 if self.stream is None else self.stream
        for stream in range(first, count):
            yield stream, self.candidates[(stream - first) // self.draws], seeds[stream]

    def _mark(self, model: nn.Module, candidate: AbstractOperation, probe: Probe, seed: int) -> float:
        """Return how good a growth is, which is undone; what is no number is worst."""
        with undone(model):
            growth = candidate.apply(model, probe=probe, generator=torch.Generator().manual_seed(seed))
            with without_side_effects(model, probe.inputs), same_attributes(model), torch.enable_grad():
                loss = probe.loss_of(call(model, probe.inputs), self.output)
                mark = _steepness(loss, growth) if self.by == "gradient" else -float(loss.detach())
        return -math.inf if math.isnan(mark) else mark


def _steepness(loss: Tensor, growth: Growth) -> float:
    """Return the squared length of the gradient for all that is new and trained."""
    old = {item.new: item.region for item in growth.carried if item.new.requires_grad}
    new = [*(parameter for parameter in growth.born if parameter.requires_grad), *old]
    if not new:
        return 0.0
    total = 0.0
    for parameter, gradient in zip(new, torch.autograd.grad(loss, new, materialize_grads=True), strict=True):
        fresh = gradient.detach().clone()
        if parameter in old:
            fresh[old[parameter]] = 0
        total += float(fresh.double().square().sum())
    return total
