"""The step on a device: the kernel that is called, and that nobody waits for a GPU in it."""

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from harness.core.history import History
from harness.core.spec import with_changes
from harness.data import TaskData
from harness.growth.rules import TriggerMonitor
from harness.staging.network import build_network, probe_for
from harness.staging.run import RunConfig
from harness.training import evaluation
from harness.training.arrival import before_arrival
from harness.training.features import FeatureCache
from harness.training.loop import StageLoop
from harness.training.optimizers import AdamW
from harness.training.output_specs import output_specs
from harness.training.state import fresh_state
from harness.training.update import Update
from tests.conformance.test_metrics import CLASS_METRICS


def test_the_kernel_is_called_directly_with_the_bits_of_the_optimizer(device: torch.device) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)).to(device)
    twin = copy.deepcopy(model)
    optimizers = [AdamW().build(net.parameters()) for net in (model, twin)]
    update = Update(optimizers[0])
    inputs = torch.randn(8, 6, generator=torch.Generator().manual_seed(1)).to(device)

    for number in range(5):
        for net, optimizer in zip((model, twin), optimizers, strict=True):
            optimizer.zero_grad()
            (net(inputs) * (torch.nan if number == 2 else 1)).square().sum().backward()
        assert update.unless(torch.tensor(float(number == 2), device=device))
        if number != 2:
            optimizers[1].step()

    assert all(map(torch.equal, model.state_dict().values(), twin.state_dict().values()))


WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2", "lift_fresh")  # copies, or reads


class Unwaited(TorchDispatchMode):
    """Lets what would wait for a GPU be an error on a CPU, too."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call an operation."""
        name = func.overloadpacket.__name__
        by_mask = name == "index" and any(index is not None and index.dtype == torch.bool for index in args[1])
        assert name not in WAITS, name
        assert not by_mask, f"{name} with a mask"
        return func(*args, **(kwargs or {}))


@contextmanager
def refusing_to_wait(device: torch.device) -> Iterator[None]:
    """Let what waits for the device, or would for a GPU, be an error."""
    if device.type != "cuda":
        with Unwaited():  # type: ignore[no-untyped-call]
            yield
        return
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


SETTINGS: dict[str, dict[str, object]] = {
    "fp32": {},
    "bf16": {"precision": "bf16"},
    "fp16": {"precision": "fp16"},
    "skipping": {"training.on_divergence": "skip", "training.clip_norm": 1.0},
    "fp16, skipping": {"precision": "fp16", "training.on_divergence": "skip"},
    "stochastic gradients": {"training.optimizer": {"kind": "sgd"}},
    "replay, gradients": {"training.replay": 0.5, "training.record_gradients_every": 1},
    "augmented": {
        "training.augment": [{"kind": "random_shift"}, {"kind": "gaussian_noise"}, {"kind": "horizontal_flip"}]
    },
    "features": {"growths.0.freeze": "old_parameters"},
    "weights of classes": {
        "training.losses": {"classes": {"kind": "joint_cross_entropy", "class_weights": {"7": 2.0}}}
    },
    "a teacher": {
        "growths.0.keep_teacher": True,
        "training.losses": {"classes": {"kind": "joint_cross_entropy"}, "old": {"kind": "learning_without_forgetting"}},
    },
    "penalties": {
        "precision": "fp16",
        "training.losses": {
            "classes": {"kind": "joint_cross_entropy"},
            "ewc": {"kind": "elastic_weight_consolidation", "examples": 3},
            "si": {"kind": "synaptic_intelligence"},
            "mas": {"kind": "memory_aware_synapses", "examples": 3},
        },
    },
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_no_step_waits_for_the_device(settings: dict[str, object], conv_run: RunConfig, data: TaskData) -> None:
    run = with_changes(conv_run, {"training.evaluate_every": 10**6, **settings})
    state = fresh_state(build_network(run, data), run.training.optimizer, seed=0, precision=run.precision)
    before_arrival(state, run.training, data, output_specs(state.model, (), (), data))
    state.grow(run.growths[0].change, probe=probe_for(run.growths[0].change, data))
    loop = StageLoop(
        state,
        100,
        config=run.training,
        data=data,
        monitor=TriggerMonitor(()),
        history=History(),
        features=FeatureCache() if settings is SETTINGS["features"] else None,
    )
    loop.advance()  # what is made once

    loop.step._reads_flags = False  # as on a GPU
    steps = loop.batches.per_epoch + 1
    with refusing_to_wait(state.device):
        for _ in range(steps):
            loop.advance()

    assert state.step == 1 + steps


def test_an_evaluation_waits_once(conv_run: RunConfig, data: TaskData, monkeypatch: pytest.MonkeyPatch) -> None:
    run = with_changes(conv_run, {"training.record_classes": True, "training.metrics": CLASS_METRICS})
    state = fresh_state(build_network(run, data), run.training.optimizer, seed=0, precision="fp32")
    specs = output_specs(state.model, state.lineage, state.effects, data)
    read: list[torch.Tensor] = []

    def unread(names: Iterable[str], values: torch.Tensor, _metrics: object) -> dict[str, float]:
        read.append(values)
        return dict.fromkeys(names, 0.0)

    monkeypatch.setattr(evaluation, "as_floats", unread)
    expected = evaluation.evaluate(state, data.validation, run.training, specs)  # visible classes are looked up

    with refusing_to_wait(state.device):
        found = evaluation.evaluate(state, data.validation, run.training, specs)

    assert found == expected
    assert torch.equal(*read)
