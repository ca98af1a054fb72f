"""A state goes from one device to the other and back."""

import pytest
import torch

from harness.core.history import History
from harness.core.spec import with_changes
from harness.data import TaskData
from harness.growth.rules import TriggerMonitor
from harness.staging.network import build_network, probe_for
from harness.staging.run import RunConfig
from harness.staging.snapshot import read_snapshot, write_snapshot
from harness.training.loop import train_stage
from harness.training.state import TrainState, fresh_state


def trained(state: TrainState, steps: int, run: RunConfig, data: TaskData) -> TrainState:
    settings = {"config": run.training, "data": data, "monitor": TriggerMonitor(()), "history": History()}
    train_stage(state, state.step + steps, **settings)
    return state


def on(device: str, content: bytes, run: RunConfig, data: TaskData) -> TrainState:
    there = data.to(torch.device(device))
    return read_snapshot(
        content,
        build_network(with_changes(run, {"device": device}), there),
        run.training.optimizer,
        probe=lambda change: probe_for(change, there),
        seed=run.seed,
        precision=run.precision,
    )


def tensors(state: TrainState) -> dict[str, torch.Tensor]:
    found = {name: tensor.cpu() for name, tensor in state.identities.tensors().items()}
    for name, parameter in state.identities.parameters().items():
        found |= {f"{name} {key}": value.cpu() for key, value in state.optimizer.state.get(parameter, {}).items()}
    return found


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_state_of_a_device_lives_on_the_cpu_and_comes_back(
    conv_run: RunConfig, data: TaskData, optimizer: str, precision: str
) -> None:
    run = with_changes(conv_run, {"training.optimizer": {"kind": optimizer}, "precision": precision})
    device = data.train.labels.device.type
    state = fresh_state(build_network(run, data), run.training.optimizer, seed=0, precision=run.precision)
    change = run.growths[0].change
    trained(state, 3, run, data).grow(change, probe=probe_for(change, data))
    trained(state, 3, run, data)

    on_cpu = on("cpu", write_snapshot(state), run, data)
    back = on(device, write_snapshot(on_cpu), run, data)

    for other in (on_cpu, back):
        assert tensors(other).keys() == tensors(state).keys()
        assert all(torch.equal(tensor, tensors(other)[name]) for name, tensor in tensors(state).items())
    assert on_cpu.device.type == "cpu"
    trained(on_cpu, 2, run, data.to(torch.device("cpu")))
    assert all(bool(tensor.isfinite().all()) for tensor in on_cpu.model.state_dict().values())
    assert write_snapshot(trained(back, 2, run, data)) == write_snapshot(trained(state, 2, run, data))
