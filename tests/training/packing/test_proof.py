from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from harness.models import MLP
from harness.staging.snapshot import write_snapshot
from harness.training.loop import StageLoop
from harness.training.optimizers import SGD
from harness.training.packing import layers
from harness.training.packing.network import pack_networks
from harness.training.packing.proof import prove
from harness.training.packing.step import PackedStep
from harness.training.packing.update import PackedUpdate
from tests.training.packing.runs import DATA, Run, alone, together

DROPPED = MLP(inputs=64, widths=(10, 7), dropout=0.3)


def begun(**settings: Any) -> list[StageLoop]:
    loops = [Run(seed=seed, model=DROPPED, **settings).loop() for seed in range(3)]
    for loop in loops:
        loop.advance()
    return loops


def packed(loops: list[StageLoop]) -> PackedStep:
    network = pack_networks([loop.feed for loop in loops])
    assert network is not None
    return PackedStep(loops, network, together=True)


def by_an_ulp(values: Tensor) -> Tensor:
    """Return values of which those of the last network are the next larger numbers."""
    larger = torch.zeros_like(values)
    last = values.detach()[-1]
    larger[-1] = torch.nextafter(last, torch.tensor(torch.inf)) - last
    return values + larger


def spoiled(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: by_an_ulp(layers.stacked(call(*arguments)))


def spoiled_update(call: Callable[..., None]) -> Callable[..., None]:
    def update(self: PackedUpdate, chosen: Any = None) -> None:
        call(self, chosen)
        own = self._updates[-1]._optimizer.param_groups[0]["params"][-1]
        own.data.view(-1)[0] = torch.nextafter(own.data.view(-1)[0], torch.tensor(torch.inf))

    return update


@pytest.mark.parametrize(
    ("part", "spoil"), [(layers._Linear, spoiled), (layers._Dropout, spoiled), (PackedUpdate, spoiled_update)]
)
def test_last_bits_refute_a_pack_and_runs_train_alone(
    part: type, spoil: Any, packed_steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [Run(seed=seed, model=DROPPED) for seed in range(3)]
    expected = [alone(run) for run in runs]
    monkeypatch.setattr(part, "__call__", spoil(part.__call__))

    proof = prove(loops := begun(), packed(loops))
    found = together(runs)

    assert not proof.holds
    assert found == expected
    assert not packed_steps


def test_a_step_that_gives_the_same_bits_is_proved() -> None:
    loops = begun()

    proof = prove(loops, packed(loops))

    assert proof.holds
    assert proof.saved < 1


@pytest.mark.parametrize("optimizer", [None, SGD(momentum=0.9), SGD(momentum=0.0)])
def test_a_proof_leaves_states_as_they_were(optimizer: Any) -> None:
    loops = begun()
    if optimizer:
        training = loops[0].config.model_copy(update={"optimizer": optimizer})
        loops = begun(training=training)
    before = [write_snapshot(loop.state) for loop in loops]

    prove(loops, packed(loops))

    assert [write_snapshot(loop.state) for loop in loops] == before
    assert [loop.state.step for loop in loops] == [1, 1, 1]


def test_a_proof_leaves_states_as_they_were_if_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    loops = begun()
    step, before = packed(loops), [write_snapshot(loop.state) for loop in loops]

    def fail(*_: Any) -> None:
        raise ArithmeticError

    monkeypatch.setattr(PackedUpdate, "__call__", fail)

    with pytest.raises(ArithmeticError):
        prove(loops, step)

    assert [write_snapshot(loop.state) for loop in loops] == before


def test_what_optimizers_did_not_remember_before_they_do_not_remember_after() -> None:
    loops = begun()
    for loop in loops[1:]:  # as if their first steps had been skipped
        loop.state.optimizer.state.clear()
        loop.step.update.forget()

    proof = prove(loops, packed(loops))

    assert proof.holds
    assert [len(loop.state.optimizer.state) for loop in loops] == [6, 0, 0]


def test_a_batch_that_diverges_proves_nothing() -> None:
    data = replace(DATA, train=replace(DATA.train, inputs=torch.full_like(DATA.train.inputs, torch.nan)))
    training = Run().training.model_copy(update={"on_divergence": "skip"})
    loops = begun(data=data, training=training)

    proof = prove(loops, packed(loops))

    assert (proof.holds, proof.is_finite) == (False, False)
