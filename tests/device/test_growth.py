"""Every operation, every way to give values to units, and every freeze policy on a device, against the CPU."""

import copy

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from harness.core.history import History
from harness.core.spec import with_changes
from harness.data import TaskData
from harness.growth import AbstractOperation, AttachHead, ToggleHead, WidenLayer, grow
from harness.growth.freezing import (
    AbstractFreezePolicy,
    AllButLast,
    ByName,
    DiscriminativeRates,
    GradualThaw,
    NoFreezing,
    OldParameters,
    UpToTap,
    WarmUpThenThaw,
)
from harness.growth.probe import Probe
from harness.growth.rules import TriggerMonitor
from harness.initializers import Imprint, PriorBias, Ridge
from harness.models import GrowableModel
from harness.staging.network import build_network, probe_for
from harness.staging.run import RunConfig
from harness.training.loop import train_stage
from harness.training.optimizers import AdamW
from harness.training.state import fresh_state
from tests.conformance.test_operations import OPERATIONS, equip
from tests.growth.units.test_units import METHODS

CPU = torch.device("cpu")
GROWTHS: list[AbstractOperation] = [
    *(operation for operation in OPERATIONS if not isinstance(operation, ToggleHead)),
    ToggleHead(name="aside", on=False),  # a head, since the network cannot do without what is toggled elsewhere
]
PLAIN: list[AbstractOperation] = [  # of a network without adapters, which not all methods can follow
    *(WidenLayer(path="blocks.0.conv", to=6, method=method) for method in METHODS),
    *(AttachHead(name="late", outputs=2, tap="hidden", init=init) for init in (Imprint(), Ridge())),
    AttachHead(name="late", outputs=2, tap="hidden", bias=PriorBias()),
]
POLICIES: list[AbstractFreezePolicy] = [
    NoFreezing(),
    OldParameters(),
    OldParameters(frozen_norm="track"),
    UpToTap(tap="blocks.1"),
    AllButLast(blocks="blocks"),
    ByName(patterns=("*blocks.*", "*.bias")),
    WarmUpThenThaw(steps=2),
    GradualThaw(layers=("blocks.0", "blocks.1"), every=2),
    DiscriminativeRates(layers=("blocks.0", "blocks.1"), decay=0.5),
]


def grown_outputs(operation: AbstractOperation, model: GrowableModel, images: Tensor) -> dict[str, Tensor]:
    """Grow a copy of `model` on the device of `images`, update it once, and return its outputs in between."""
    model, probe = copy.deepcopy(model).to(images.device), Probe(images, torch.arange(5, device=images.device) % 2)
    if operation in GROWTHS:
        equip(model, probe)
    AttachHead(name="aside", outputs=2, tap="blocks.0").apply(model, probe=probe, generator=torch.Generator())
    optimizer = AdamW().start(list(model.parameters()))
    grow(model, optimizer, operation, probe=probe, keep_teacher=operation.keeps_teacher)
    outputs = model.eval()(images)
    torch.stack([output.square().sum() for output in outputs.values()]).sum().backward()
    optimizer.step()
    assert {tensor.device.type for tensor in model.state_dict().values()} == {images.device.type}
    assert all(bool(tensor.isfinite().all()) for tensor in model.state_dict().values())
    return {name: output.detach().cpu() for name, output in outputs.items()}


def test_every_operation_does_on_a_device_what_it_does_on_the_cpu(
    device: torch.device, conv_model: GrowableModel, images: Tensor
) -> None:
    for operation in [*GROWTHS, *PLAIN]:
        expected = grown_outputs(operation, conv_model, images)
        found = expected if device == CPU else grown_outputs(operation, conv_model, images.to(device))

        assert found.keys() == expected.keys(), operation
        for name, output in expected.items():
            assert_close(found[name], output, rtol=1e-3, atol=1e-3, msg=f"{operation!r}: {name}")


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_what_a_policy_freezes_stays_bit_for_bit(
    policy: AbstractFreezePolicy, conv_run: RunConfig, data: TaskData
) -> None:
    run = with_changes(conv_run, {"growths.0.freeze": policy})
    state = fresh_state(build_network(run, data), run.training.optimizer, seed=0, precision="fp32")
    settings = {"config": run.training, "data": data, "monitor": TriggerMonitor(()), "history": History()}
    train_stage(state, 3, **settings)
    state.grow(run.growths[0].change, probe=probe_for(run.growths[0].change, data))
    state.refreeze()

    for until in (5, 7):
        before = {name: tensor.detach().clone() for name, tensor in state.identities.tensors().items()}
        frozen = state.frozen
        train_stage(state, until, **settings)
        always = frozen & state.frozen
        moved = {name for name, tensor in state.identities.tensors().items() if not torch.equal(tensor, before[name])}

        statistics = {name for name in moved if "running" in name or "num_batches" in name}
        assert not (moved & always) - (statistics if policy.frozen_norm != "eval" else set())
        assert moved
