"""One optimizer update of several states at once, each to the bits of its own step."""

import itertools
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from harness.core.seeding import step_seed
from harness.training.combined_loss import CombinedLoss
from harness.training.forward import teacher_outputs
from harness.training.group_watch import GroupWatch
from harness.training.packing.evaluation import PackedEvaluation
from harness.training.packing.feature_tables import FeatureTables
from harness.training.packing.losses import PackedBatch, PackedLosses
from harness.training.packing.mapped_network import TAP, MappedNetwork
from harness.training.packing.network import PackedNetwork
from harness.training.packing.shared_storage import SharedParameter
from harness.training.packing.update import PackedUpdate
from harness.training.precision import autocast
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

    Attributes:
        evaluation: of all networks.
    """

    def __init__(self, loops: Sequence["StageLoop"], network: PackedNetwork | MappedNetwork, *, together: bool) -> None:
        self._loops = loops
        self._network = network
        self._autocast = partial(autocast, loops[0].state.precision, loops[0].state.device)
        self._losses = PackedLosses(loops, together=together)
        self.evaluation = PackedEvaluation(loops, network, self._losses)
        self._moving_rates = [loop for loop in loops if not loop.has_constant_rates]
        self._features = FeatureTables([loop.feed.data.train.features for loop in loops])
        self._streams = [torch.Generator() for _ in loops]
        self._update = PackedUpdate(
            [loop.step.update for loop in loops], network.shared, constant_rates=not self._moving_rates
        )
        shared = {id(own): one for one in network.shared for own in one.parameters}
        self._norms = _Norms([loop.state.trainable for loop in loops], shared)
        self._statistics = [buffer for loop in loops for buffer in loop.state.model.buffers()]
        self._apart = [own for loop in loops for own in loop.state.trainable if id(own) not in shared]

    def __call__(self) -> dict[str, Tensor]:
        """Make the step; return what each loop's own step would have measured, as tensors `[K]` by name.

        An error in losses, or in a network, leaves the states as they were.
        """
        for loop in self._moving_rates:
            set_learning_rates(loop.state, loop.config)
        if self._network.draws:
            for loop, stream in zip(self._loops, self._streams, strict=True):
                stream.manual_seed(step_seed(loop.state.seed, loop.state.step))
        for parameter in (*(shared.values for shared in self._network.shared), *self._apart):
            parameter.grad = None
        statistics = [buffer.clone() for buffer in self._statistics]
        try:
            loss = self._losses(self._forward())
            loss.total.sum().backward()
        except BaseException:
            for buffer, value in zip(self._statistics, statistics, strict=True):
                buffer.copy_(value)
            raise
        return self._descend(loss)

    def forget(self) -> None:
        """Look up anew what the optimizers remember; somebody has changed it."""
        self._update.forget()

    def _forward(self) -> PackedBatch:
        """Return the next batch of each loop, and what its network and its teacher make of it."""
        below, inputs, labels, targets = self._batches()
        with self._autocast():
            outputs = dict(self._network(below, self._streams))
            features = {tap: outputs.pop(TAP + tap) for tap in self._loops[0].needs.taps}
            teacher, old = self._taught(inputs)
        return PackedBatch(outputs, inputs, labels, targets, features, teacher, old)  # type: ignore[arg-type]

    def _taught(self, inputs: Tensor) -> tuple[dict[str, Tensor] | None, dict[str, Tensor]]:
        """Return the outputs of the teachers, each called by itself, and their features."""
        needs = self._loops[0].needs
        if not needs.teacher:
            return None, {}
        answers = [teacher_outputs(loop.state, own, needs) for loop, own in zip(self._loops, inputs, strict=True)]
        every = [outputs for outputs, _ in answers if outputs is not None]
        return _stacked(every) if every else None, _stacked([features for _, features in answers])

    def _batches(self) -> tuple[Tensor | list[dict[str, Tensor]], Tensor, Tensor, dict[str, Tensor]]:
        """Return the next batch of each loop: what its network reads, inputs, labels and other targets."""
        indices = [loop.batches.indices(loop.state.age) for loop in self._loops]
        train, joined, size = self._loops[0].data.train, torch.cat(indices), (len(indices), -1)
        if any(loop.config.augment for loop in self._loops):
            inputs = torch.stack([loop.next_batch().inputs for loop in self._loops])
        else:
            inputs = train.inputs[joined].unflatten(0, size)
        labels = train.labels[joined].unflatten(0, size)
        targets = {name: values[joined].unflatten(0, size) for name, values in train.targets.items()}
        if self._loops[0].feed.cut is None:
            return inputs, inputs, labels, targets
        return self._features.take(indices), inputs, labels, targets

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

    def _clip(self, norm: Tensor, largest: float) -> None:
        """Do what `torch.nn.utils.clip_grads_with_norm_` does."""
        self._update.give_gradients()
        factors = (largest / (norm + 1e-6)).clamp(max=1.0)
        for loop, factor in zip(self._loops, factors.unbind(), strict=True):
            gradients = [parameter.grad for parameter in loop.state.trainable if parameter.grad is not None]
            torch._foreach_mul_(gradients, factor)


class _Norms:
    """The norms of networks' gradients.

    Args:
        trained: the parameters of each network, in the order in which `total_norm` takes them.
        shared: by the identity of a parameter, the tensor in which it lies.
    """

    def __init__(self, trained: Sequence[Sequence[nn.Parameter]], shared: Mapping[int, SharedParameter]) -> None:
        self._runs: list[tuple[int, int, list[tuple[SharedParameter | None, list[nn.Parameter]]]]] = []
        places = [[shared.get(id(own)) for own in parameters] for parameters in trained]
        start = 0
        for _, alike in itertools.groupby(places, lambda own: [id(one) for one in own]):
            first, *others = alike
            count = 1 + len(others)
            columns = zip(*trained[start : start + count], strict=True)
            own = [(place, list(column)) for place, column in zip(first, columns, strict=True)]
            self._runs.append((start, count, own))
            start += count

    def __call__(self) -> Tensor:
        """Return the norm `[K]` of each network's gradients, before clipping."""
        known: dict[int, Tensor] = {}
        return torch.cat([self._of_some(start, count, columns, known) for start, count, columns in self._runs])

    def _of_some(
        self,
        start: int,
        count: int,
        columns: Sequence[tuple[SharedParameter | None, list[nn.Parameter]]],
        known: dict[int, Tensor],
    ) -> Tensor:
        norms = []
        for place, own in columns:
            if place is None:
                gradients = [parameter.grad for parameter in own if parameter.grad is not None]
                norms += [torch.stack(torch._foreach_norm(gradients))] if gradients else []  # noqa: SLF001
            elif place.values.grad is not None:
                if id(place) not in known:
                    known[id(place)] = torch.linalg.vector_norm(place.values.grad.flatten(1), dim=1)
                norms.append(known[id(place)][start - place.start : start - place.start + count])
        norm: Tensor = torch.linalg.vector_norm(torch.stack(norms, dim=1), dim=1)
        return norm


def _stacked(measured: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    names = dict.fromkeys(itertools.chain.from_iterable(measured))
    return {name: torch.stack([one[name] for one in measured]) for name in names}
