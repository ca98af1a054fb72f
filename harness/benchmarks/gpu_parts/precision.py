"""Training through a growth in 16 bits, against 32 bits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from harness.benchmarks._base import Figure
from harness.benchmarks.gpu_parts._base import Size, elapsed_s
from harness.core.history import History
from harness.data import Digits, Split, TaskData
from harness.growth import AttachHead, Change, NoFreezing, Probe
from harness.growth.rules import TriggerMonitor
from harness.models import ConvNet
from harness.training.config import TrainingConfig
from harness.training.loop import train_stage
from harness.training.optimizers import AdamW
from harness.training.precision import Precision
from harness.training.state import build_model, fresh_state

__all__ = ["digits_as_images", "measure"]

MODEL = ConvNet(image=(1, 8, 8), channels=(32, 64), hidden=128)
LATE = Change(operation=AttachHead(name="late", outputs=4, tap="hidden"), freeze=NoFreezing())
LARGEST_DIFFERENCE = {"bf16": 0.1, "fp16": 0.05}  # of the last loss on validation data, which is near 0.2


@dataclass(frozen=True)
class _Job:
    """What came of a run: its last loss and accuracy on validation data, and how it went."""

    loss: float
    accuracy: float
    skipped: int
    losses: tuple[float, ...]
    seconds: float


def measure(device: torch.device, size: Size) -> Iterator[Figure]:
    """Yield speed and losses of the same run in each precision, made twice, to see whether the bits are the same."""
    data = digits_as_images().to(device)
    _job("fp32", data, replace(size, job_steps=20))  # kernels are loaded
    whole, again = _job("fp32", data, size), _job("fp32", data, size)
    yield Figure("fp32: steps/s through a growth", size.job_steps / min(whole.seconds, again.seconds))
    yield Figure("fp32: accuracy in the end", whole.accuracy)
    yield Figure.at_most("fp32: steps whose loss differs the second time", _differing(whole, again), 0)
    for precision in ("bf16", "fp16"):
        try:
            half, repeated = _job(precision, data, size), _job(precision, data, size)
        except Exception as error:  # noqa: BLE001  # a figure of its own, and the other precision is still measured
            yield Figure.missing(f"{precision}: steps/s through a growth", f"{type(error).__name__}: {error}")
            continue
        difference = abs(half.loss - whole.loss)
        yield Figure(f"{precision}: steps/s through a growth", size.job_steps / min(half.seconds, repeated.seconds))
        yield Figure(f"{precision}: accuracy in the end", half.accuracy)
        yield Figure.at_most(
            f"{precision}: difference of the last loss from fp32's", difference, LARGEST_DIFFERENCE[precision]
        )
        yield Figure.at_most(f"{precision}: steps whose loss differs the second time", _differing(half, repeated), 0)
        yield Figure(f"{precision}: steps skipped", half.skipped)


def digits_as_images() -> TaskData:
    """Return handwritten digits as images `[1, 8, 8]`, of which four come late."""
    data = Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}).load(None)

    def images(split: Split) -> Split:
        return replace(split, inputs=split.inputs.reshape(-1, 1, 8, 8))

    return replace(data, train=images(data.train), validation=images(data.validation), test=images(data.test))


def _job(precision: Precision, data: TaskData, size: Size) -> _Job:
    """Train, grow, and train."""
    half = max(size.job_steps // 2, 1)
    device = data.train.labels.device
    config = TrainingConfig(optimizer=AdamW(lr=2e-3), batch_size=64, evaluate_every=max(half // 4, 1))
    model = build_model(MODEL, output="known", outputs=6, seed=0, device=device)
    state, history = fresh_state(model, config.optimizer, seed=0, precision=precision), History()
    probe = Probe(data.train.inputs[:64])
    stage = {"config": config, "data": data, "monitor": TriggerMonitor(()), "history": history}

    def train() -> None:
        train_stage(state, half, **stage)
        state.grow(LATE, probe=probe)
        train_stage(state, 2 * half, **stage)

    seconds = elapsed_s(train, device)
    last, steps = history.latest(), history["train/loss/total"].values
    skipped = sum(history["train/skipped_steps"].values) if "train/skipped_steps" in history else 0
    return _Job(last["val/loss/total"], last["val/accuracy/all"], int(skipped), tuple(steps), seconds)


def _differing(one: _Job, other: _Job) -> int:
    return sum(first != second for first, second in zip(one.losses, other.losses, strict=True))
