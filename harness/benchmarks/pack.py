"""Processor time of runs in packs against the same runs one by one, and whether a bit differs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, final

import numpy as np
import torch

from harness.benchmarks._base import AbstractBenchmark, Figure, Stopwatch, interleaved_best
from harness.benchmarks.bits import Values, differing_bits
from harness.benchmarks.pack_study import study_figures
from harness.core.history import History
from harness.data import Split, TaskData
from harness.growth.rules import TriggerMonitor
from harness.models import MLP, AbstractModel, ConvNet, ViT
from harness.training.config import TrainingConfig
from harness.training.determinism import make_deterministic
from harness.training.loop import StageLoop
from harness.training.optimizers import AdamW
from harness.training.packing import Packs
from harness.training.state import build_model, fresh_state

__all__ = ["PackBenchmark"]

CLASSES = tuple(range(10))
TRAINED, EVALUATED = 1000, 360  # examples, about as many as those of digits
STAGE = 1200  # steps of the stage whose proof is to cost little
PROOF_PERCENT = 1.0


@dataclass(frozen=True)
class _Case:
    """Networks that are trained together.

    Attributes:
        shape: of an input.
        runs: each with initial values, an order of batches and dropout of its own.
        steps: of each run.
        least: the gain that is aimed at; None without an aim.
        evaluate_every: steps.
        rounds: that are timed.
    """

    name: str
    model: AbstractModel
    shape: tuple[int, ...]
    runs: int
    steps: int
    least: float | None = None
    evaluate_every: int = 25
    rounds: int = 2


SMALL = _Case("MLP 64-64-64", MLP(inputs=64, widths=(64, 64)), (64,), 6, 400)
DROPOUT = _Case("MLP 64-64-64, dropout", MLP(inputs=64, widths=(64, 64), dropout=0.1), (64,), 24, 400, rounds=1)
WIDE = _Case("MLP 784-128-128", MLP(inputs=784, widths=(128, 128)), (784,), 24, 400, rounds=1)
# Has code of its own, which is mapped over the networks.
VISION = ViT(image=(1, 8, 8), patch=2, width=16, depth=2, heads=2)
PATCHES = _Case("vision transformer of 2 x 16", VISION, (1, 8, 8), 12, 60, rounds=1)
IMAGES = ConvNet(image=(1, 28, 28), channels=(16, 32), hidden=64, dropout=0.25)
CONV = _Case("conv net", IMAGES, (1, 28, 28), 6, STAGE, evaluate_every=50, rounds=1)

FULL = (
    replace(SMALL, least=3),
    replace(SMALL, runs=24, least=5),
    replace(SMALL, runs=96, least=6, rounds=1),
    DROPOUT,
    WIDE,
    PATCHES,
    replace(CONV, least=1),
)
# In short stages, proofs and the steps that are made alone weigh more.
QUICK = (
    replace(SMALL, least=1.25),
    replace(SMALL, runs=24, steps=200, least=1.5, rounds=1),
    replace(CONV, steps=50),
)


@final
class PackBenchmark(AbstractBenchmark):
    """The same stages one by one and in packs, proofs included; what a proof costs; and studies of many small runs."""

    def measure(self, *, quick: bool) -> list[Figure]:
        """Return gains, the cost of a proof, what a packed run of a study takes, and the bits that differ."""
        make_deterministic()
        figures, differing = list[Figure](), 0
        for case in QUICK if quick else FULL:
            compared = _compared(case)
            figures += _gain(case, compared)
            differing += compared.differing_bits
        proof = _proof_figure(
            CONV, step_s=compared.alone_s / (case.runs * case.steps)
        )  # the last case has this network
        of_studies, others = study_figures(quick=quick)
        return [*figures, proof, *of_studies, Figure.at_most("bits that differ", differing + others, 0)]


@dataclass(frozen=True)
class _Compared:
    """Processor seconds of all runs, and how many bits of their states and histories differ."""

    alone_s: float
    packed_s: float
    differing_bits: int


def _gain(case: _Case, compared: _Compared) -> list[Figure]:
    name = f"{case.runs} x {case.name}: processor time one by one / packed"
    gain = compared.alone_s / compared.packed_s
    ms = 1000 / (case.runs * case.steps)
    return [
        Figure(name, gain) if case.least is None else Figure.at_least(name, gain, case.least),
        Figure(f"{case.runs} x {case.name}: a step of a run, one by one (ms)", ms * compared.alone_s),
        Figure(f"{case.runs} x {case.name}: a step of a run, packed (ms)", ms * compared.packed_s),
    ]


def _proof_figure(case: _Case, step_s: float) -> Figure:
    """Train two steps: in packs, the first is made alone; before the second, a step and an evaluation are proved."""
    compared = _compared(replace(case, steps=2, evaluate_every=2, rounds=6))
    percent = 100 * (compared.packed_s - compared.alone_s) / (step_s * STAGE * case.runs)
    return Figure.at_most(f"{case.runs} x {case.name}: proof (% of {STAGE:,} steps)", percent, PROOF_PERCENT)


def _compared(case: _Case) -> _Compared:
    """Train the runs of a case in turn one by one and in packs."""
    watch, data, trained = Stopwatch(), _data(case.shape), dict[str, list[StageLoop]]()

    def train(name: str, finish: Callable[[Sequence[StageLoop]], None]) -> None:
        trained[name] = [_loop(case, data, seed) for seed in range(case.runs)]
        watch.time(partial(finish, trained[name]))

    actions = [partial(train, "alone", _one_by_one), partial(train, "packed", _in_packs)]
    alone, packed = interleaved_best(actions, rounds=case.rounds, clock=watch)
    pairs = zip(trained["alone"], trained["packed"], strict=True)
    return _Compared(alone, packed, sum(differing_bits(_values(one), _values(other)) for one, other in pairs))


def _one_by_one(loops: Sequence[StageLoop]) -> None:
    for loop in loops:
        loop.finish()


def _in_packs(loops: Sequence[StageLoop]) -> None:
    packs, left = Packs(), list(loops)
    while left:
        packs.train(packs.choose(left))
        left = [loop for loop in left if not loop.ended]


def _loop(case: _Case, data: TaskData, seed: int) -> StageLoop:
    config = TrainingConfig(optimizer=AdamW(), batch_size=64, evaluate_every=case.evaluate_every)
    model = build_model(case.model, output="known", outputs=len(CLASSES), seed=seed, device=torch.device("cpu"))
    state = fresh_state(model, config.optimizer, seed=seed, precision="fp32")
    return StageLoop(state, case.steps, config=config, data=data, monitor=TriggerMonitor(()), history=History())


def _data(shape: tuple[int, ...]) -> TaskData:
    draws = torch.Generator().manual_seed(0)

    def split(count: int) -> Split:
        return Split(torch.randn(count, *shape, generator=draws), torch.randint(10, (count,), generator=draws))

    return TaskData(split(TRAINED), split(EVALUATED), split(2), {"known": CLASSES})


def _values(loop: StageLoop) -> Values:
    """Return everything that training has changed: weights, buffers, moments, and what was measured."""
    arrays: dict[str, Any] = {f"model/{name}": tensor.numpy() for name, tensor in loop.state.model.state_dict().items()}
    for index, memory in enumerate(loop.state.optimizer.state.values()):
        arrays |= {f"optimizer/{index}/{name}": value.numpy() for name, value in memory.items()}
    history = loop._history  # noqa: SLF001
    return arrays | {f"history/{name}": np.array([history[name].steps, history[name].values]) for name in history}
