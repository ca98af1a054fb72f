"""Runs that are trained alone and together, and what came of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from harness.core.history import History
from harness.data import Output, Scale, Split, TaskData
from harness.growth.lineage import Change
from harness.growth.rules import Rule, TriggerMonitor
from harness.models import MLP, GrowableModel
from harness.models._base import AbstractModel
from harness.staging.network import probe_for
from harness.staging.snapshot import write_snapshot
from harness.training.config import TrainingConfig
from harness.training.features import FeatureCache
from harness.training.loop import StageLoop, train_stage
from harness.training.packing import Packs
from harness.training.precision import Precision
from harness.training.state import TrainState, build_model, fresh_state

CPU = torch.device("cpu")
GROWN_AT = 2


def split(count: int, seed: int) -> Split:
    stream = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 5
    inputs = torch.randn(count, 1, 8, 8, generator=stream) + labels.view(-1, 1, 1, 1)
    sizes, answers = torch.randn(count, 3, generator=stream), (torch.rand(count, 2, generator=stream) > 0.5).float()
    return Split(inputs, labels, {"sizes": sizes, "answers": answers})


DATA = TaskData(
    *(split(40, 1), split(260, 2), split(10, 3)),
    classes={"known": (0, 1, 2), "late": (3, 4)},
    outputs={
        "sizes": Output(kind="values", columns=3, unit="m"),
        "answers": Output(kind="binary", columns=2),
        "again": Output(kind="inputs", columns=64),
    },
    scales={"sizes": Scale(1.0, 2.0)},
)


@dataclass(frozen=True)
class Run:
    """A run whose stage is trained, from its beginning or from a growth after two steps.

    Attributes:
        changed: is called with the network once it is built.
        begun: is called with the state at the beginning of the stage.
    """

    seed: int = 0
    model: AbstractModel = MLP(inputs=64, widths=(10, 7))  # noqa: RUF009  # specs never change
    training: TrainingConfig = TrainingConfig(batch_size=16, evaluate_every=5)  # noqa: RUF009
    grown: tuple[Change, ...] = ()
    rules: tuple[Rule, ...] = ()
    cached: bool = False
    steps: int = 12
    precision: Precision = "fp32"
    data: TaskData = DATA
    changed: Callable[[GrowableModel], object] = lambda _: None
    begun: Callable[[TrainState], object] = lambda _: None
    settings: dict[str, Any] = field(default_factory=dict)

    def loop(self) -> StageLoop:
        """Return the loop of the stage at its beginning."""
        model = build_model(self.model, output="known", outputs=3, seed=self.seed, device=CPU)
        self.changed(model)
        state = fresh_state(model, self.training.optimizer, seed=self.seed, precision=self.precision)
        if self.grown:
            train_stage(
                state, GROWN_AT, config=self.training, data=self.data, monitor=TriggerMonitor(()), history=History()
            )
        for change in self.grown:
            state.grow(change, probe=probe_for(change, self.data))
        self.begun(state)
        return StageLoop(
            state,
            self.steps,
            config=self.training,
            data=self.data,
            monitor=TriggerMonitor(self.rules),
            history=History(),
            features=FeatureCache() if self.cached else None,
            **self.settings,
        )


@dataclass(frozen=True)
class Outcome:
    """What came of a run: its error, the rule that fired, its step, history, snapshot and further tensors."""

    error: str
    rule: Rule | None
    step: int
    history: bytes
    snapshot: bytes
    learned: list[Tensor]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Outcome):
            return NotImplemented
        own, others = (
            (one.error, one.rule, one.step, one.history, one.snapshot, len(one.learned)) for one in (self, other)
        )
        return own == others and all(map(torch.equal, self.learned, other.learned))


def outcome(loop: StageLoop) -> Outcome:
    """Return what came of an ended loop; of one that failed, its error and step alone."""
    if loop.error is not None:
        return Outcome(repr(loop.error), None, 0, b"", b"", [])
    learned = [parameter.detach().clone() for parameter in loop.state.model.parameters()]
    history = loop._history.to_bytes()
    return Outcome("", loop.rule, loop.state.step, history, write_snapshot(loop.state), learned)


def alone(run: Run) -> Outcome:
    """Train a run by itself."""
    loop = run.loop()
    loop.attempt(loop.finish)
    return outcome(loop)


def together(runs: Sequence[Run], packs: Packs | None = None) -> list[Outcome]:
    """Train runs in packs where that can be done."""
    return train(loops_of(runs), packs)


def loops_of(runs: Sequence[Run]) -> list[StageLoop]:
    """Return the loops of runs; runs that agree in their data share them."""
    return [run.loop() for run in runs]


def train(loops: Sequence[StageLoop], packs: Packs | None = None) -> list[Outcome]:
    """Train loops to their ends, as an executor does that begins no other runs."""
    packs = packs or Packs()
    while left := [loop for loop in loops if not loop.ended]:
        packs.train(packs.choose(left))
    return [outcome(loop) for loop in loops]
