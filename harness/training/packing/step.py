"""One optimizer update of several states at once, each to the bits of its own step."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from harness.core.seeding import step_seed
from harness.models.cut import CUT
from harness.training.combined_loss import CombinedLoss
from harness.training.group_watch import GroupWatch
from harness.training.packing.layers import Features
from harness.training.packing.losses import PackedLosses
from harness.training.packing.network import PackedNetwork
from harness.training.packing.update import PackedUpdate
from harness.training.step import WATCHED_STEPS, set_learning_rates

if TYPE_CHECKING:
    from harness.training.loop import StageLoop

__all__ = ["PackedStep"]


class PackedStep:
    """Updates the states of K loops on the next batch of each.

    Args:
        loops: of the same shape, each having made a step.
        network: theirs.
        together: whether the losses of all are computed at once.
    """

    def __init__(self, loops: Sequence["StageLoop"], network: PackedNetwork, *, together: bool) -> None:
        self._loops = loops
        self._network = network
        self._losses = PackedLosses(loops, together=together)
        self._streams = [torch.Generator() for _ in loops]
        self._update = PackedUpdate([loop.step.update for loop in loops], network.shared)
        self._trained = _trained(loops, network)
        self._apart = [parameter for shared, own in self._trained if shared is None for parameter in own]

    def __call__(self) -> dict[str, Tensor]:
        """Make the step; return what each loop's own step would have measured, as tensors `[K]` by name."""
        for loop, stream in zip(self._loops, self._streams, strict=True):
            set_learning_rates(loop.state, loop.config)
            if self._network.draws:
                stream.manual_seed(step_seed(loop.state.seed, loop.state.step))
        for parameter in (*(shared.values for shared in self._network.shared), *self._apart):
            parameter.grad = None
        features, inputs, labels, targets = self._batches()
        outputs = self._network(features, self._streams)
        loss = self._losses(outputs, inputs, labels, targets)
        loss.total.sum().backward()
        return self._descend(loss)

    def _batches(self) -> tuple[dict[str, Features], Tensor, Tensor, dict[str, Tensor]]:
        """Return the next batch of each loop: features or inputs, inputs, labels and other targets."""
        indices = [loop.batches.indices(loop.state.age) for loop in self._loops]
        train, joined, size = self._loops[0].data.train, torch.cat(indices), (len(indices), -1)
        inputs = train.inputs[joined].unflatten(0, size)
        labels = train.labels[joined].unflatten(0, size)
        targets = {name: values[joined].unflatten(0, size) for name, values in train.targets.items()}
        if self._loops[0].feed.cut is None:
            return {CUT: inputs}, inputs, labels, targets
        tables = [loop.feed.data.train.features for loop in self._loops]
        rows = {
            name: torch.stack([table[name][own] for table, own in zip(tables, indices, strict=True)])
            for name in tables[0]
        }
        return dict(rows), inputs, labels, targets

    def _descend(self, loss: CombinedLoss) -> dict[str, Tensor]:
        config = self._loops[0].config
        norm = self._norms()
        if config.clip_norm is not None:
            self._clip(norm, config.clip_norm)
        watches = self._watches()
        skips = config.on_divergence == "skip"
        skipped = ~(norm + loss.total.detach()).isfinite() if skips else None
        some = skipped is not None and bool(skipped.any())
        self._update(None if skipped is None or not some else (~skipped).tolist())
        for loop in self._loops:
            loop.state.step += 1
        measured = {f"loss/{name}": value.detach() for name, value in loss.components.items()}
        measured |= {f"loss_weighted/{name}": value.detach() for name, value in loss.weighted.items()}
        measured |= {"loss/total": loss.total.detach(), "grad_norm": norm}
        if skipped is not None:
            measured["skipped_steps"] = skipped.to(norm.dtype)
        return measured | _stacked([watch.measured() for watch in watches])

    def _watches(self) -> list[GroupWatch]:
        states = [loop.state for loop in self._loops]
        if not all(state.lineage and state.age < WATCHED_STEPS for state in states):
            return []
        self._update.give_gradients()
        return [GroupWatch(state.optimizer) for state in states]

    def _norms(self) -> Tensor:
        """Return the norm `[K]` of each network's gradients, before clipping."""
        norms = []
        for shared, own in self._trained:
            if shared is not None and shared.grad is not None:
                norms.append(torch.linalg.vector_norm(shared.grad.flatten(1), dim=1))
            elif shared is None and own[0].grad is not None:
                norms.append(torch.stack(torch._foreach_norm([parameter.grad for parameter in own])))  # noqa: SLF001
        whole: Tensor = torch.linalg.vector_norm(torch.stack(norms, dim=1), dim=1)
        return whole

    def _clip(self, norm: Tensor, largest: float) -> None:
        """Do what `torch.nn.utils.clip_grads_with_norm_` does."""
        factors = (largest / (norm + 1e-6)).clamp(max=1.0)
        for shared, own in self._trained:
            gradients = [parameter.grad for parameter in own] if shared is None else [shared.grad]
            if gradients[0] is None:
                continue
            if shared is None:
                torch._foreach_mul_(gradients, list(factors.unbind()))  # noqa: SLF001
            else:
                gradients[0].mul_(factors.view(-1, *[1] * (gradients[0].dim() - 1)))


def _trained(
    loops: Sequence["StageLoop"], network: PackedNetwork
) -> list[tuple[Tensor | None, list[torch.nn.Parameter]]]:
    """Return, for each trained parameter of a network, where the networks share it, if they do, and their own."""
    shared = {id(parameter.parameters[0]): parameter.values for parameter in network.shared}
    columns = zip(*(loop.state.trainable for loop in loops), strict=True)
    return [(shared.get(id(own[0])), list(own)) for own in columns]


def _stacked(measured: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    names = dict.fromkeys(chain.from_iterable(measured))
    return {name: torch.stack([one[name] for one in measured]) for name in names}
