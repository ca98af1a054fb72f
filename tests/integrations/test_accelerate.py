"""Growth in a plain loop, and under Accelerate, whose import is paid once here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import nn

from harness.core.errors import SnapshotError, SpecError
from harness.growth import AttachHead, InsertLayer, Probe, WidenHead, WidenLayer, grow, load_grown, save_grown
from harness.growth.layers import MLPBlock
from harness.integrations.accelerate import keep_growth
from harness.integrations.examples import accelerate_loop, plain_loop
from harness.models import GrowableModel

pytestmark = pytest.mark.filterwarnings("ignore")

INPUTS = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def fresh_accelerator() -> Iterator[None]:
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def test_the_plain_loop_learns_late_digits_and_goes_on_to_the_bit(tmp_path: Path) -> None:
    whole = plain_loop.train(tmp_path / "whole", 170)
    plain_loop.train(tmp_path / "parts", 120)
    parts = plain_loop.train(tmp_path / "parts", 170)

    assert plain_loop.accuracy(whole) > 0.6
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), parts.state_dict().values(), strict=True))


def test_the_loop_under_accelerate_learns_late_digits_and_goes_on_to_the_bit(tmp_path: Path) -> None:
    whole = accelerate_loop.run(tmp_path / "whole", epochs=3, grow_at=1)
    accelerate_loop.run(tmp_path / "parts", epochs=2, grow_at=1)
    parts = accelerate_loop.run(tmp_path / "parts", epochs=1, grow_at=1)

    assert plain_loop.accuracy(whole) > 0.8
    assert whole[4].out_features == 10  # type: ignore[index]
    assert whole.state_dict().keys() == parts.state_dict().keys()


def network() -> nn.Module:
    torch.manual_seed(0)
    return GrowableModel(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), "known")


def prepared(precision: str) -> tuple[Accelerator, nn.Module, torch.optim.Optimizer]:
    accelerator, model = Accelerator(cpu=True, mixed_precision=precision), network()
    model, optimizer = accelerator.prepare(model, torch.optim.AdamW(model.parameters(), lr=0.01))
    return accelerator, model, optimizer


def step(accelerator: Accelerator, model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    optimizer.zero_grad()
    accelerator.backward(torch.stack([value.float().square().mean() for value in model(INPUTS).values()]).sum())
    optimizer.step()
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_what_was_prepared_grows_is_saved_and_loaded(precision: str, tmp_path: Path) -> None:
    accelerator, model, optimizer = prepared(precision)
    step(accelerator, model, optimizer)
    for operation in (
        WidenLayer(path="0", by=2),
        AttachHead(name="late", outputs=2, tap="1"),
        InsertLayer(after="1", layer=MLPBlock(width=4)),
        WidenHead(path="2", to=5),
    ):
        grow(model, optimizer, operation, probe=Probe(INPUTS))
        step(accelerator, model, optimizer)
    save_grown(tmp_path, model, optimizer)
    expected = step(accelerator, model, optimizer)
    AcceleratorState._reset_state(reset_partial_state=True)
    accelerator, fresh, other = prepared(precision)
    load_grown(tmp_path, fresh, other)

    again = step(accelerator, fresh, other)

    assert {tensor.dtype for tensor in expected.values()} == {torch.float32}
    assert expected.keys() == again.keys()
    assert all(torch.equal(expected[name], again[name]) for name in expected)


def test_two_models_and_another_folder_are_refused(tmp_path: Path) -> None:
    accelerator, model, optimizer = prepared("no")
    keep_growth(accelerator, model)
    accelerator.save_state(str(tmp_path / "saved"))
    grow(model, optimizer, WidenHead(path="2", to=5))

    with pytest.raises(SnapshotError, match="build it anew"):
        accelerator.load_state(str(tmp_path / "saved"))
    accelerator.prepare(nn.Linear(2, 2))
    with pytest.raises(SpecError, match="one prepared model"):
        accelerator.save_state(str(tmp_path / "two"))
