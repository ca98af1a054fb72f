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

from harness.benchmarks._base import AbstractBenchmark, Figure, interleaved_best
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
HALF_S = 2.0  # of steps before a snapshot, and beside its writing


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
            yield from _time(f"{millions} million parameters", widths, rounds=2 if quick else 5)
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
    """Compare steps with and without one snapshot in processor time, which others on the machine do not change.

    It is more than what a snapshot takes from training: a thread that waits for a disk, or has a core of its own, takes
    nothing.
    """
    config = _config(MLP(inputs=64, widths=widths))
    data = load_task(config.task, None)
    state = fresh_state(build_network(config, data), config.training.optimizer, seed=0, precision="fp32")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as held:
        workspace = Workspace(Path(folder)).create()
        lease = held.enter_context(Leases(workspace.ledger.database).hold("ab12"))
        assert lease is not None
        writer = StageWriter(workspace.store)
        train = _training(state, config, data)
        train(3)
        began = time.perf_counter()
        train(3)
        steps = max(2, round(HALF_S * 3 / (time.perf_counter() - began)))
        stood_still: list[float] = []

        def with_snapshot() -> None:
            train(steps)
            with PendingCommits(writer) as commits:
                began = time.thread_time()
                commits.add(lambda: _stage(state), lease)
                stood_still.append(time.thread_time() - began)
                train(steps)
                commits.wait()

        without, beside = interleaved_best(
            [lambda: train(2 * steps), with_snapshot], rounds=rounds, clock=time.process_time
        )
        waiting = _wait_s(writer, state, lease)
    extra = max(beside - without, min(stood_still))
    every_s = max(SNAPSHOT_EVERY_S, writer.cost_s / MOST_OF_THE_TIME)
    yield Figure(f"{name}: bytes of a snapshot (MB)", len(capture_snapshot(state)) / 1e6)
    yield Figure(f"{name}: training stands still for a snapshot (processor s)", min(stood_still))
    yield Figure(f"{name}: writing it, beside training (s)", waiting)
    yield Figure(f"{name}: a snapshot in all (processor s)", extra)
    yield Figure.at_most(f"{name}: share of the time, at one a minute or fewer", extra / every_s, 0.03)


def _training(state: TrainState, config: RunConfig, data: TaskData) -> Callable[[int], None]:
    history, monitor = History(), TriggerMonitor(())

    def train(steps: int) -> None:
        train_stage(state, state.step + steps, config=config.training, data=data, monitor=monitor, history=history)

    return train


def _stage(state: TrainState) -> Stage:
    metrics = StageMetrics(History(), History())
    return Stage(StageAddress("ab12", state.step), 0, "", capture_snapshot(state), metrics, seconds=1.0)


def _wait_s(writer: StageWriter, state: TrainState, lease: Lease) -> float:
    state.step += 1  # another stage
    with torch.no_grad():
        for value in state.model.parameters():
            value.add_(1.0)
    began = time.perf_counter()
    with PendingCommits(writer) as commits:
        commits.add(lambda: _stage(state), lease)
        commits.wait()
    return time.perf_counter() - began


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
