from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import InputError
from harness.data import TaskData
from harness.models import GrowableModel
from harness.training.config import TrainingConfig
from harness.training.denormals import are_denormals_flushed, denormals_flushed
from harness.training.optimizers import AdamW
from harness.training.state import fresh_state
from harness.training.step import train_step
from tests.training.test_step import LABELS, known

TINY, SILENT = 1e-40, 0  # a pixel that is empty, so that its weights have no gradient


def updated(data: TaskData, config: TrainingConfig) -> tuple[Tensor, Tensor]:
    """Return the weights and their average gradients after two steps, the second from averages that are tiny."""
    torch.manual_seed(0)
    model = GrowableModel(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), "known")
    state = fresh_state(model, AdamW(lr=0.01), seed=0, precision="fp32")
    batch = known(data)
    batch.inputs.flatten(1)[:, SILENT] = 0
    train_step(state, batch, config, LABELS)
    weight = next(model.parameters())
    averages = state.optimizer.state[weight]["exp_avg"]
    averages[:, SILENT] = TINY
    train_step(state, batch, config, LABELS)
    return weight.detach(), averages


def test_it_is_on_inside_the_block_alone() -> None:
    found = []

    for context in (nullcontext(), denormals_flushed(), nullcontext()):
        with context:
            found.append((are_denormals_flushed(), torch.tensor(TINY).mul(1.0).item() == 0))

    assert found == [(False, False), (True, True), (False, False)]


def test_an_error_inside_ends_it() -> None:
    with pytest.raises(KeyError), denormals_flushed():
        raise KeyError

    assert not are_denormals_flushed()


def test_updates_flush_averages_where_asked_and_weights_stay_what_they_are(data: TaskData) -> None:
    kept, tiny = updated(data, TrainingConfig())
    flushed, zero = updated(data, TrainingConfig(flush_denormals=True))

    assert bool((tiny[:, SILENT] > 0).all())
    assert bool((zero[:, SILENT] == 0).all())
    assert torch.equal(kept, flushed)
    assert torch.equal(tiny[:, 1:], zero[:, 1:])
    assert not are_denormals_flushed()


def test_a_processor_that_cannot_be_asked_is_refused_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "set_flush_denormal", lambda _mode: False)

    with pytest.raises(InputError, match=r"^training\.flush_denormals: .* found one that torch"), denormals_flushed():
        pass
