"""Evaluations of several networks at once, each to the bits of its own."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from harness.data import Split
from harness.losses import Batch
from harness.training.evaluation import BLOCK, CHUNK, as_floats, evaluate, loss_results
from harness.training.metrics import means_of, values_of
from harness.training.named_metrics import metric_parts, metric_values
from harness.training.packing.batching import at_once
from harness.training.packing.layers import stacked
from harness.training.packing.losses import PackedBatch, PackedLosses
from harness.training.packing.mapped_network import MappedNetwork
from harness.training.packing.network import PackedNetwork
from harness.training.precision import autocast

if TYPE_CHECKING:
    from harness.training.loop import StageLoop

__all__ = ["PackedEvaluation"]

# Layers that give an example other outputs in eval mode, beside dropout.
STATISTICS = nn.modules.batchnorm._BatchNorm  # noqa: SLF001


class PackedEvaluation:
    """Evaluates the networks of K loops on their validation data, as `evaluate` does.

    The first time, it evaluates them one by one as well; if a bit differs, it goes on so.
    """

    def __init__(
        self, loops: Sequence["StageLoop"], network: PackedNetwork | MappedNetwork, losses: PackedLosses
    ) -> None:
        self._loops, self._network, self._losses = loops, network, losses
        statistics = any(isinstance(module, STATISTICS) for module in loops[0].state.model.modules())
        needs, labels = loops[0].needs, loops[0].data.validation.labels
        several = any(loop.config.metrics != loops[0].config.metrics for loop in loops)
        apart = statistics or several or needs.taps or needs.teacher or len(labels) > CHUNK * BLOCK
        self._holds: bool | None = False if apart else None
        self._known = loops[0].specs.label_map.known(labels)
        self._missing = len(labels[~self._known].unique())
        self._visible = tuple(labels[self._known].unique().tolist()) if loops[0].config.record_classes else None

    def __call__(self) -> list[dict[str, float]] | None:
        """Return the results of each network; None if they are to be evaluated one by one."""
        if self._holds is False:
            return None
        try:
            results = self._measured()
        except (Exception, SystemExit):  # noqa: BLE001  # what does not work together works alone, or fails there itself
            self._holds = False
            return None
        if self._holds is None:
            alone = [
                evaluate(one.state, one.feed.data.validation, one.config, one.specs, forward=one.feed.forward_part)
                for one in self._loops
            ]
            self._holds = list(map(_bits, results)) == list(map(_bits, alone))
            return alone
        return results

    def _measured(self) -> list[dict[str, float]]:
        first, count = self._loops[0], len(self._loops)
        split, config = first.data.validation, first.config
        with torch.no_grad():
            with autocast(first.state.precision, first.state.device):
                outputs = self._outputs(split)
            every = bool(self._known.all())
            part = split if every else split.take(self._known.nonzero().squeeze(1))
            seen = outputs if every else {name: values[:, self._known] for name, values in outputs.items()}
            read = [part.inputs, part.labels, *part.targets.values()]
            inputs, labels, *targets = (values.expand(count, *values.shape) for values in read)
            loss = self._losses(PackedBatch(seen, inputs, labels, dict(zip(part.targets, targets, strict=True))))

            def measured(outputs: Mapping[str, Tensor], seen: Mapping[str, Tensor]) -> dict[str, Tensor]:
                batches = self._batch(split, outputs), self._batch(part, seen)
                return values_of([means_of(*batches, visible=self._visible)])

            results = loss_results(loss) | at_once(measured, count, outputs, seen)
            if config.metrics:
                results |= self._named(split, outputs, part, seen)
        rows = torch.stack([value.double() for value in results.values()], dim=1)
        return [as_floats(results, row, config.metrics) for row in rows]

    def _named(
        self, split: Split, outputs: Mapping[str, Tensor], part: Split, seen: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return the metrics that the run names itself, network by network: they may be anybody's code."""
        config, label_map = self._loops[0].config, self._loops[0].specs.label_map
        found = []
        for index in range(len(self._loops)):
            batches = (
                self._batch(examples, {name: value[index] for name, value in tensors.items()})
                for examples, tensors in ((split, outputs), (part, seen))
            )
            parts = [metric_parts(config.metrics, *batches)]
            by_class = config.record_classes
            found.append(metric_values(config.metrics, parts, label_map, missing=self._missing, by_class=by_class))
        return {name: torch.stack([values[name] for values in found]) for name in found[0]}

    def _batch(self, split: Split, outputs: Mapping[str, Tensor]) -> Batch:
        return Batch(outputs, split.inputs, split.labels, self._loops[0].specs, split.targets)

    def _outputs(self, split: Split) -> dict[str, Tensor]:
        """Return the outputs `[K, N, C]` for all examples."""
        chunks = []
        for start in range(0, len(split), CHUNK):
            rows = slice(start, start + CHUNK)
            chunks.append(self._network(self._below(split.inputs[rows], rows), None))
        return {name: torch.cat([stacked(chunk[name]) for chunk in chunks], dim=1) for name in chunks[0]}

    def _below(self, inputs: Tensor, rows: slice) -> Tensor | list[dict[str, Tensor]]:
        if self._loops[0].feed.cut is None:
            return inputs.expand(len(self._loops), *inputs.shape).contiguous()
        tables = [loop.feed.data.validation.features for loop in self._loops]
        return [{name: values[rows] for name, values in table.items()} for table in tables]


def _bits(results: Mapping[str, float]) -> list[tuple[str, str]]:
    return [(name, float(value).hex()) for name, value in results.items()]
