"""Steps of four networks against loops that people write themselves, with and without CUDA graphs."""

import functools
from collections.abc import Callable, Iterator

import torch
from torch.nn import functional
from torch.nn.utils import get_total_norm

from harness.benchmarks._base import Figure, interleaved_best
from harness.benchmarks.gpu_parts._base import Size, elapsed_s
from harness.benchmarks.loop import MODELS, hand_written, stage_training, training_examples
from harness.data import BatchOrder, Split
from harness.models import AbstractModel

__all__ = ["measure"]

BATCH, WARM_UP = 64, 3
AT_MOST = 1.05  # of a hand-written step's time


def measure(device: torch.device, size: Size) -> Iterator[Figure]:
    """Yield steps/s of each network, ours and by hand."""
    for name, (spec, shape) in MODELS.items():
        examples = training_examples(shape, BATCH * size.steps).to(device)
        loops = [stage_training(spec, examples, size.steps), hand_written(spec, examples, size.steps, fused=True)]
        ours, by_hand = _timed(loops, device, size)
        yield Figure(f"{name}: steps/s of ours", size.steps / ours)
        yield Figure(f"{name}: steps/s by hand, fused", size.steps / by_hand)
        yield Figure.at_most(f"{name}: a step / one by hand, fused", ours / by_hand, AT_MOST)
        if device.type != "cuda":
            yield Figure.missing(f"{name}: steps/s by hand in a CUDA graph", f"there are none on {device.type}")
            continue
        try:
            (graphed,) = _timed([_in_graph(spec, examples, size.steps)], device, size)
        except Exception as error:  # noqa: BLE001  # a figure of its own, and the other networks are still measured
            yield Figure.missing(f"{name}: steps/s by hand in a CUDA graph", f"{type(error).__name__}: {error}")
            continue
        yield Figure(f"{name}: steps/s by hand in a CUDA graph", size.steps / graphed)
        yield Figure(f"{name}: a step / one by hand in a CUDA graph", ours / graphed)


def _timed(loops: list[Callable[[], object]], device: torch.device, size: Size) -> list[float]:
    whole = [functools.partial(elapsed_s, loop, device) for loop in loops]
    return interleaved_best(whole, rounds=size.rounds)


def _in_graph(spec: AbstractModel, examples: Split, steps: int) -> Callable[[], list[list[float]]]:
    """Return a loop by hand whose step is captured once and replayed."""
    device = examples.labels.device
    model = spec.build(10).train().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True, capturable=True)
    order = BatchOrder(torch.arange(len(examples), device=device), BATCH, seed=0, growths=0)
    inputs, labels = examples.inputs[:BATCH].clone(), examples.labels[:BATCH].clone()

    def step() -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(model(inputs), labels)
        loss.backward()
        norm = get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
        optimizer.step()
        return torch.stack([loss.detach(), norm])

    aside = torch.cuda.Stream(device)
    aside.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(aside):  # as torch's notes on CUDA graphs ask for
        for _ in range(WARM_UP):
            step()
    torch.cuda.current_stream(device).wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        measured = step()

    def train() -> list[list[float]]:
        kept = []
        for number in range(steps):
            indices = order.indices(number)
            inputs.copy_(examples.inputs[indices])
            labels.copy_(examples.labels[indices])
            graph.replay()
            kept.append(measured.clone())
        rows: list[list[float]] = torch.stack(kept).tolist()
        return rows

    return train
