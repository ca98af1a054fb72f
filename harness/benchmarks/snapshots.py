"""What snapshots of larger networks take: of the time of training, and on disk."""

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, final

import torch
from torch import nn

from harness.benchmarks._base import AbstractBenchmark, Figure
from harness.core.history import History
from harness.data import Digits, TaskData, load_task
from harness.growth import AtStep, AttachHead, GrowthRule, OldParameters
from harness.growth.rules import TriggerMonitor
from harness.models import MLP, AbstractModel
from harness.staging.leases import Lease, Leases
from harness.staging.ledger import StageAddress
from harness.staging.network import build_network
from harness.staging.run import RunConfig
from harness.staging.runner import SNAPSHOT_EVERY_S, Runner
from harness.staging.snapshot import capture_snapshot
from harness.staging.stage_trainer import MOST_OF_THE_TIME
from harness.staging.stage_writer import PendingCommits, StageWriter
from harness.staging.store import Stage, StageMetrics
from harness.staging.workspace import Workspace
from harness.training.config import TrainingConfig
from harness.training.loop import train_stage
from harness.training.optimizers import SGD, AdamW
from harness.training.state import TrainState, fresh_state

__all__ = ["WIDTHS", "FixedEncoder", "SnapshotsBenchmark"]

WIDTHS = {1: (560,) * 4, 10: (1280,) * 7, 100: (4096,) * 7}  # by millions of parameters
RUNS = 4


class FixedEncoder(AbstractModel):
    """An encoder with the same weights whatever the seed, which are not trained, and an output layer."""

    kind: Literal["fixed_encoder"] = "fixed_encoder"
    widths: tuple[int, ...]

    def build(self, outputs: int) -> nn.Module:
        """Return the network, from `[B, 1, 8, 8]`."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = MLP(inputs=64, widths=self.widths).build(outputs)
        network.get_submodule("hidden").requires_grad_(requires_grad=False)
        return network


@final
class SnapshotsBenchmark(AbstractBenchmark):
    """One snapshot of a network with the moments of Adam, beside training and in its way; and a frozen encoder."""

    def measure(self, *, quick: bool) -> list[Figure]:
        """Return the figures."""
        return list(self.figures(quick=quick))

    def figures(self, *, quick: bool) -> Iterator[Figure]:
        """Yield the figures, the smallest networks first."""
        for millions, widths in WIDTHS.items():
            yield from _time(f"{millions} million parameters", widths, rounds=3 if quick else 7)
        yield _space("22 million frozen parameters", widths=(2700,) * 4)


def _config(model: AbstractModel) -> RunConfig:
    late = AttachHead(name="late", outputs=4, tap="hidden.0")
    return RunConfig(
        task=Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
        model=model,
        training=TrainingConfig(optimizer=AdamW(), batch_size=64, evaluate_every=10**9),
        growths=(GrowthRule(trigger=AtStep(step=1), operation=late, freeze=OldParameters()),),
        steps=2,
        device="cpu",
        precision="fp32",
    )


def _time(name: str, widths: tuple[int, ...], *, rounds: int) -> Iterator[Figure]:
    """Make snapshots while training goes on; the cheapest is what one takes, since what disturbs only ever adds.

    Its cost is in processor time, and so more than it takes from training where a core is free.
    """
    config = _config(MLP(inputs=64, widths=widths))
    data = load_task(config.task, None)
    state = fresh_state(build_network(config, data), config.training.optimizer, seed=0, precision="fp32")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as held:
        workspace = Workspace(Path(folder)).create()
        lease = held.enter_context(Leases(workspace.ledger.database).hold("ab12"))
        assert lease is not None
        writer, train = StageWriter(workspace.store), _training(state, config, data)
        train(1)
        costs, stood_still, written = zip(*(_snapshot(writer, state, lease, train) for _ in range(rounds)), strict=True)
    every_s = max(SNAPSHOT_EVERY_S, min(costs) / MOST_OF_THE_TIME)
    yield Figure(f"{name}: bytes of a snapshot (MB)", len(capture_snapshot(state)) / 1e6)
    yield Figure(f"{name}: training stands still for a snapshot (s)", min(stood_still))
    yield Figure(f"{name}: until it is on disk, beside training (s)", min(written))
    yield Figure(f"{name}: a snapshot in all (processor s)", min(costs))
    yield Figure(f"{name}: training between two of them, at least (s)", every_s)
    yield Figure.at_most(f"{name}: their share of the time, at most", round(min(costs) / every_s, 6), MOST_OF_THE_TIME)


def _snapshot(
    writer: StageWriter, state: TrainState, lease: Lease, train: Callable[[int], None]
) -> tuple[float, float, float]:
    """Return the cost of one, and the seconds until training went on, and until it was on disk."""
    train(1)
    began = time.perf_counter()
    with PendingCommits(writer) as commits:
        commits.add(lambda: _stage(state), lease)
        stood_still = time.perf_counter() - began
        train(2)
        commits.wait()
    return writer.cost_s, stood_still, time.perf_counter() - began


def _training(state: TrainState, config: RunConfig, data: TaskData) -> Callable[[int], None]:
    history, monitor = History(), TriggerMonitor(())

    def train(steps: int) -> None:
        train_stage(state, state.step + steps, config=config.training, data=data, monitor=monitor, history=history)

    return train


def _stage(state: TrainState) -> Stage:
    metrics = StageMetrics(History(), History())
    return Stage(StageAddress("ab12", state.step), 0, "", capture_snapshot(state), metrics, seconds=1.0)


def _space(name: str, widths: tuple[int, ...]) -> Figure:
    """Run a study whose runs have a frozen encoder in common, and compare the store with it."""
    config = _config(FixedEncoder(widths=widths))
    config = config.model_copy(update={"training": config.training.model_copy(update={"optimizer": SGD()})})
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Workspace(Path(folder)).create())
        for seed in range(RUNS):
            runner.run(config.model_copy(update={"seed": seed}), test=False)
        stored = sum({p.stat().st_ino: p.stat().st_size for p in runner.store.root.rglob("*.safetensors")}.values())
    encoder = 4 * sum(above * (below + 1) for below, above in itertools.pairwise((64, *widths)))
    return Figure.at_most(f"{name}: the store of {RUNS} runs in units of one encoder", stored / encoder, 1.1)
