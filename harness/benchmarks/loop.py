"""Steps per second of the training loop, against loops that people write themselves and against Lightning's."""

import logging
import warnings
from collections.abc import Callable
from typing import final

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
from harness.training.loop import train_stage
from harness.training.optimizers import AdamW
from harness.training.state import build_model, fresh_state

__all__ = ["LoopBenchmark"]

CLASSES = tuple(range(10))
MODELS: dict[str, tuple[AbstractModel, tuple[int, ...]]] = {
    "MLP": (MLP(inputs=64, widths=(128, 64)), (64,)),
    "conv net": (ConvNet(image=(1, 28, 28), channels=(16, 32), hidden=64), (1, 28, 28)),
}
AT_LEAST, AT_LEAST_OF_LIGHTNING = 0.97, 2.0
STEPS, ROUNDS = (300, 100), (21, 7)  # in full, and quickly
CONFIG = TrainingConfig(optimizer=AdamW(), batch_size=64, evaluate_every=10**9)


@final
class LoopBenchmark(AbstractBenchmark):
    """The same network on the same batches with the same optimizer; losses, gradient norms and rates are kept."""

    def measure(self, *, quick: bool) -> list[Figure]:
        """Return the ratio of steps per second for each network and rival."""
        torch.set_num_threads(1)
        return [figure for name in MODELS for figure in _figures(name, quick=quick)]


def _figures(name: str, *, quick: bool) -> list[Figure]:
    steps = STEPS[quick]
    spec, shape = MODELS[name]
    examples = _examples(shape, 64 * steps)
    rivals = [_by_hand(spec, examples, steps), _by_hand(spec, examples, steps, fused=True)]
    loops = [_ours(spec, examples, steps), *rivals, _lightning(spec, examples, steps)]
    ours, by_hand, fused, lightning = interleaved_best(loops, rounds=ROUNDS[quick])
    against_lightning = f"{name}: steps per second, against Lightning"
    return [
        Figure.at_least(f"{name}: steps per second, against a loop by hand", by_hand / ours, AT_LEAST),
        Figure.at_least(against_lightning, lightning / ours, AT_LEAST_OF_LIGHTNING)
        if name == "MLP"
        else Figure(against_lightning, lightning / ours),
        Figure(f"{name}: steps per second, against a loop by hand with a fused optimizer", fused / ours),
        Figure(f"{name}: a step of ours (ms)", ours / steps * 1000),
    ]


def _examples(shape: tuple[int, ...], count: int) -> Split:
    draws = torch.Generator().manual_seed(0)
    return Split(torch.randn(count, *shape, generator=draws), torch.randint(10, (count,), generator=draws))


def _ours(spec: AbstractModel, examples: Split, steps: int) -> Callable[[], object]:
    data = TaskData(examples, examples.take(torch.arange(2)), examples.take(torch.arange(2)), {"known": CLASSES})
    model = build_model(spec, output="known", outputs=10, seed=0, device=torch.device("cpu"))
    state = fresh_state(model, CONFIG.optimizer, seed=0, precision="fp32")

    def train() -> None:
        train_stage(state, state.step + steps, config=CONFIG, data=data, monitor=TriggerMonitor(()), history=History())

    return train


def _by_hand(spec: AbstractModel, examples: Split, steps: int, *, fused: bool | None = None) -> Callable[[], object]:
    model = spec.build(10).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=fused)
    order = BatchOrder(torch.arange(len(examples)), 64, seed=0, growths=0)

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
