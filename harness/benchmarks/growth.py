"""How long a growth takes, in units of one training step of the same network."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from torch import nn
from torch.nn import functional
from torch.optim import Optimizer

from harness.benchmarks._base import AbstractBenchmark, Figure, interleaved_medians
from harness.benchmarks.adapted import AdaptedLinear
from harness.growth import (
    AbstractOperation,
    AddAdapter,
    AddBranch,
    AddCascadeUnit,
    AlignRows,
    AnswerByCosines,
    AttachHead,
    CorrectBias,
    DuplicateLayers,
    GrowBest,
    InsertLayer,
    JoinTap,
    MergeAdapter,
    Probe,
    PruneUnits,
    RaiseRank,
    RemoveBranch,
    RemoveHead,
    ReplaceHead,
    ResizeEmbedding,
    SplitClass,
    SwitchLayer,
    ToggleHead,
    Unchanged,
    WidenHead,
    WidenLayer,
    grow,
    transfer,
)
from harness.growth.layers import ConvBlock, MLPBlock
from harness.models import ConvNet, GrowableModel
from harness.training.optimizers import SGD, AbstractOptimizer, AdamW

__all__ = ["OPERATIONS", "GrowthBenchmark"]

BATCH = 64
LIMIT_STEPS = 5
OPTIMIZERS: tuple[AbstractOptimizer, ...] = (SGD(), AdamW())
OPERATIONS: tuple[AbstractOperation, ...] = (
    AddAdapter(layers=("hidden.linear",), rank=4),
    AddBranch(name="second", readers=("output",)),
    AddCascadeUnit(name="unit", reader="output", candidates=1, steps=0),
    AlignRows(path="output", first=3),
    AnswerByCosines(path="output"),
    AttachHead(name="late", outputs=4, tap="hidden", width=32),
    CorrectBias(path="output", first=3, scale=0.9, shift=-0.1),
    DuplicateLayers(path="hidden.deep"),
    GrowBest(candidates=(WidenLayer(path="blocks.0.conv", by=16),)),
    InsertLayer(after="blocks.1", layer=ConvBlock(width=32), flag="depth"),
    JoinTap(path="output", tap="blocks.0"),
    MergeAdapter(name="old"),
    PruneUnits(path="blocks.0.conv", by=4),
    RaiseRank(to=8),
    RemoveBranch(name="old"),
    RemoveHead(name="early"),
    ReplaceHead(path="output", to=10, rows_from={row: row for row in range(6)}),
    ResizeEmbedding(path="hidden.dropout.tokens", to=128),
    SplitClass(path="output", parent=0, children=2),
    SwitchLayer(flag="switchable", on=False),
    ToggleHead(path="hidden.inserted.layer", on=False),
    Unchanged(),
    WidenHead(path="output", to=10),
    WidenLayer(path="blocks.0.conv", by=16),
)


@dataclass
class _Subject:
    """A network in training."""

    model: GrowableModel
    optimizer: Optimizer
    inputs: torch.Tensor
    labels: torch.Tensor

    def step(self) -> None:
        """Do one training step."""
        self.optimizer.zero_grad()
        loss = functional.cross_entropy(self.model(self.inputs)["known"][:, :6], self.labels)
        loss.backward()
        self.optimizer.step()


@final
class GrowthBenchmark(AbstractBenchmark):
    """One growth of a small convolutional network, per operation and optimizer; and building both anew instead."""

    def measure(self, *, quick: bool) -> list[Figure]:
        """Return two figures per operation and optimizer, in training steps."""
        torch.set_num_threads(1)
        rounds = 2 if quick else 31
        return [
            figure
            for operation in OPERATIONS
            for optimizer in OPTIMIZERS
            for figure in _figures(operation, optimizer, rounds)
        ]


def _figures(operation: AbstractOperation, optimizer: AbstractOptimizer, rounds: int) -> list[Figure]:
    trained = _subject(optimizer)
    for _ in range(3):
        trained.step()
    stepping = copy.deepcopy(trained)
    # A growth is done once, so each is done to a copy of its own, made beforehand.
    copies = iter([copy.deepcopy(trained) for _ in range(rounds + 1)])
    growing = _growing(copies, operation)
    step, growth, rebuilding = interleaved_medians(
        [stepping.step, growing, lambda: _rebuilt(trained, operation, optimizer)], rounds=rounds
    )
    name = f"{operation.kind}, {optimizer.kind}"
    return [
        Figure.below(f"{name}: growth (training steps)", growth / step, LIMIT_STEPS),
        Figure(f"{name}: model and optimizer built anew (training steps)", rebuilding / step),
    ]


def _growing(copies: Iterator[_Subject], operation: AbstractOperation) -> Callable[[], object]:
    def one() -> None:
        subject = next(copies)
        grow(subject.model, subject.optimizer, operation, probe=Probe(subject.inputs[:2]))

    return one


def _subject(optimizer: AbstractOptimizer) -> _Subject:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        backbone = ConvNet(image=(1, 28, 28), channels=(16, 32), hidden=64, dropout=0.25).build(6)
        inputs, labels = torch.randn(BATCH, 1, 28, 28), torch.randint(6, (BATCH,))
        backbone.get_submodule("hidden").add_module("deep", nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64)))
        backbone.get_submodule("hidden").add_module("adapted", AdaptedLinear(nn.Linear(64, 64), rank=4, alpha=4))
        backbone.get_submodule("hidden.dropout").add_module("tokens", nn.Embedding(100, 64))
    model = GrowableModel(backbone, "known")
    switchable = InsertLayer(after="hidden", layer=MLPBlock(width=16), flag="switchable")
    switchable.apply(model, probe=Probe(inputs[:2]), generator=torch.Generator())
    early = AttachHead(name="early", outputs=2, tap="hidden")
    early.apply(model, probe=Probe(inputs[:2]), generator=torch.Generator())
    unit = AddCascadeUnit(name="old", reader="heads.early.output", candidates=1, steps=0)
    unit.apply(model, probe=Probe(inputs[:2]), generator=torch.Generator())
    old = AddAdapter(layers=("hidden.deep.*",), rank=4, name="old")
    old.apply(model, probe=Probe(inputs[:2]), generator=torch.Generator())
    return _Subject(model, optimizer.start(model.parameters()), inputs, labels)


def _rebuilt(trained: _Subject, operation: AbstractOperation, optimizer: AbstractOptimizer) -> nn.Module:
    """Do what is done without surgery: a new network with the old weights, and a new optimizer without moments."""
    fresh = _subject(optimizer)
    operation.apply(fresh.model, probe=Probe(fresh.inputs[:2]), generator=torch.Generator())
    transfer(trained.model, fresh.model, overlap=True)
    optimizer.start(fresh.model.parameters())
    return fresh.model
