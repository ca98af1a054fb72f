"""Processor time of a training step, against loops that people write themselves and against Lightning's."""

import logging
import time
import warnings
from collections.abc import Callable
from typing import Literal, final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import get_total_norm

from harness.benchmarks._base import AbstractBenchmark, Figure, interleaved_best
from harness.core.errors import InputError
from harness.core.history import History
from harness.data import BatchOrder, Split, TaskData
from harness.growth.rules import TriggerMonitor
from harness.models import MLP, AbstractModel, ConvNet
from harness.training.config import TrainingConfig
from harness.training.determinism import make_deterministic
from harness.training.loop import train_stage
from harness.training.optimizers import AdamW
from harness.training.state import build_model, fresh_state

__all__ = ["CONFIG", "MODELS", "LoopBenchmark", "hand_written", "stage_training", "training_examples"]

CLASSES = tuple(range(10))


class Transformer(AbstractModel):
    """Four encoder layers of width 64 over 16 tokens `[B, 16, 8]`."""

    kind: Literal["transformer"] = "transformer"

    def build(self, outputs: int) -> nn.Module:
        """Return the network."""
        layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True)
        encoder = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        return nn.Sequential(nn.Linear(8, 64), encoder, nn.Flatten(), nn.Linear(16 * 64, outputs))


MODELS: dict[str, tuple[AbstractModel, tuple[int, ...]]] = {
    "MLP 64-64-64": (MLP(inputs=64, widths=(64, 64)), (64,)),
    "MLP 784-128-128": (MLP(inputs=784, widths=(128, 128)), (784,)),
    "conv net": (ConvNet(image=(1, 28, 28), channels=(16, 32), hidden=64), (1, 28, 28)),
    "transformer": (Transformer(), (16, 8)),
}
AT_MOST, AT_MOST_QUICK, AT_LEAST_OF_LIGHTNING = 1.03, 1.1, 2.0
STEPS, ROUNDS = (150, 60), (21, 9)  # in full, and quickly
CONFIG = TrainingConfig(optimizer=AdamW(), batch_size=64, evaluate_every=10**9)


@final
class LoopBenchmark(AbstractBenchmark):
    """The same network on the same batches with the same fused optimizer; losses, gradient norms and rates are kept.

    Both are deterministic, as runs are.
    """

    def measure(self, *, quick: bool) -> list[Figure]:
        """Return the ratio of processor times for each network and rival."""
        make_deterministic()
        return [figure for name in MODELS for figure in _figures(name, quick=quick)]


def _figures(name: str, *, quick: bool) -> list[Figure]:
    steps = STEPS[quick]
    spec, shape = MODELS[name]
    examples = training_examples(shape, 64 * steps)
    rivals = [hand_written(spec, examples, steps, fused=True), hand_written(spec, examples, steps)]
    loops = [stage_training(spec, examples, steps), *rivals]
    ours, fused, plain = interleaved_best(loops, rounds=ROUNDS[quick], clock=time.process_time)
    return [
        Figure.at_most(f"{name}: a step / one by hand, fused", ours / fused, AT_MOST_QUICK if quick else AT_MOST),
        Figure(f"{name}: a step / one by hand with torch's default optimizer", ours / plain),
        Figure(f"{name}: processor time of a step of ours (ms)", ours / steps * 1000),
        *([_against_lightning(name, ours, examples, steps)] if name == next(iter(MODELS)) else []),
    ]


def _against_lightning(name: str, ours: float, examples: Split, steps: int) -> Figure:
    spec, _ = MODELS[name]
    (lightning,) = interleaved_best([_lightning(spec, examples, steps)], rounds=2, clock=time.process_time)
    return Figure.at_least(f"{name}: Lightning's step / one of ours", lightning / ours, AT_LEAST_OF_LIGHTNING)


def training_examples(shape: tuple[int, ...], count: int) -> Split:
    """Return random examples of ten classes, whose inputs have `shape`."""
    draws = torch.Generator().manual_seed(0)
    return Split(torch.randn(count, *shape, generator=draws), torch.randint(10, (count,), generator=draws))


def stage_training(spec: AbstractModel, examples: Split, steps: int) -> Callable[[], object]:
    """Return a function that makes `steps` steps of ours on `examples`, on their device."""
    data = TaskData(examples, examples.take(torch.arange(2)), examples.take(torch.arange(2)), {"known": CLASSES})
    model = build_model(spec, output="known", outputs=10, seed=0, device=examples.labels.device)
    state = fresh_state(model, CONFIG.optimizer, seed=0, precision="fp32")

    def train() -> None:
        train_stage(state, state.step + steps, config=CONFIG, data=data, monitor=TriggerMonitor(()), history=History())

    return train


def hand_written(
    spec: AbstractModel, examples: Split, steps: int, *, fused: bool | None = None
) -> Callable[[], object]:
    """Return a function that makes the same steps in a loop that people write themselves."""
    device = examples.labels.device
    model = spec.build(10).train().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=fused)
    order = BatchOrder(torch.arange(len(examples), device=device), 64, seed=0, growths=0)

    def train() -> list[float]:
        losses: list[Tensor] = []
        norms: list[Tensor] = []
        rates: list[float] = []
        for step in range(steps):
            indices = order.indices(step)
            optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(model(examples.inputs[indices]), examples.labels[indices])
            loss.backward()
            norms.append(get_total_norm([p.grad for p in model.parameters() if p.grad is not None]))
            optimizer.step()
            losses.append(loss.detach())
            rates.append(optimizer.param_groups[0]["lr"])
        return [*torch.stack(losses).tolist(), *torch.stack(norms).tolist(), *rates]

    return train


def _lightning(spec: AbstractModel, examples: Split, steps: int) -> Callable[[], object]:
    """Return a fit by Lightning without progress bar, logger and checkpoints, which only cost it time."""
    try:
        import lightning
    except ModuleNotFoundError:
        raise InputError("expected Lightning to compare with, found none; pip install 'harness[bench]'") from None
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = spec.build(10)

        def training_step(self, batch: list[Tensor]) -> Tensor:
            loss = functional.cross_entropy(self.network(batch[0]), batch[1])
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters(), lr=1e-3)

    module = Module()
    dataset = torch.utils.data.TensorDataset(examples.inputs, examples.labels)

    def train() -> nn.Module:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loader = torch.utils.data.DataLoader(dataset, batch_size=64, shuffle=True)
            trainer = lightning.Trainer(
                max_steps=steps,
                accelerator="cpu",
                logger=False,
                enable_progress_bar=False,
                enable_checkpointing=False,
                enable_model_summary=False,
            )
            trainer.fit(module, loader)
        return module

    return train
