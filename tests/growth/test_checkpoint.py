import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    ChainedScheduler,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

from harness.core.errors import SnapshotError, SpecError, StoreError, SurgeryError
from harness.growth import (
    AttachHead,
    InsertLayer,
    OldParameters,
    Probe,
    ReplaceHead,
    SplitClass,
    WidenHead,
    WidenLayer,
    consolidate,
    grow,
    growth_state,
    load_grown,
    save_grown,
)
from harness.growth.layers import MLPBlock
from harness.models import GrowableModel

INPUTS = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
Make = Callable[[Any], Optimizer]

MAKERS: dict[str, Make] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adamw amsgrad": lambda p: torch.optim.AdamW(p, lr=0.01, amsgrad=True),
    "adamw tensor rate": lambda p: torch.optim.AdamW(p, lr=torch.tensor(0.01), foreach=False),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
    "nadam": lambda p: torch.optim.NAdam(p, lr=0.01),
}


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 3))


def step(model: nn.Module, *optimizers: Optimizer) -> dict[str, Tensor]:
    """Train one step, and return what the network then holds."""
    model.zero_grad()
    outputs = model(INPUTS)
    values = list(outputs.values()) if isinstance(outputs, dict) else [outputs]
    torch.stack([value.square().mean() for value in values]).sum().backward()
    for optimizer in optimizers:
        optimizer.step()
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_same(before: dict[str, Tensor], after: dict[str, Tensor]) -> None:
    assert before.keys() == after.keys()
    assert [name for name in before if not torch.equal(before[name], after[name])] == []


def grown(make: Make) -> tuple[nn.Module, Optimizer]:
    model = network()
    optimizer = make(model.named_parameters())
    step(model, optimizer)
    for operation in (
        WidenLayer(path="0", by=2),
        InsertLayer(after="2", layer=MLPBlock(width=4)),
        SplitClass(path="4", parent=1, children=2),
        WidenHead(path="4", to=6),
    ):
        grow(model, optimizer, operation, probe=Probe(INPUTS), step=1, group={"weight_decay": 0.1})
        step(model, optimizer)
    return model, optimizer


@pytest.mark.parametrize("name", MAKERS)
def test_the_next_step_is_the_same_to_the_bit(name: str, tmp_path: Path) -> None:
    model, optimizer = grown(MAKERS[name])
    save_grown(tmp_path, model, optimizer, extra={"step": 5, "best": (0.5, float("inf"))})
    expected = step(model, optimizer)

    fresh = network()
    other = MAKERS[name](fresh.named_parameters())
    extra = load_grown(tmp_path, fresh, other)

    assert extra == {"step": 5, "best": (0.5, float("inf"))}
    assert_same(expected, step(fresh, other))
    assert [group["param_names"] for group in other.param_groups] == [
        group["param_names"] for group in optimizer.param_groups
    ]


def test_a_network_that_was_loaded_grows_as_the_one_that_was_saved(tmp_path: Path) -> None:
    model, optimizer = grown(MAKERS["sgd"])
    save_grown(tmp_path, model, optimizer)
    fresh = network()
    other = MAKERS["sgd"](fresh.named_parameters())
    load_grown(tmp_path, fresh, other)

    for its, trained in ((model, optimizer), (fresh, other)):
        grow(its, trained, WidenHead(path="4", to=8), freeze_policy=OldParameters())
    again = tmp_path / "again"
    save_grown(again, fresh, other)

    assert growth_state(fresh).frozen == growth_state(model).frozen
    assert_same(model.state_dict(), fresh.state_dict())
    load_grown(again, network())


def test_what_is_frozen_stays_frozen_and_statistics_stand_still(tmp_path: Path) -> None:
    model = network()
    optimizer = MAKERS["sgd"](model.parameters())
    grow(model, optimizer, WidenHead(path="4", to=5), freeze_policy=OldParameters())
    save_grown(tmp_path, model, optimizer)
    expected = step(model.train(), optimizer)

    fresh = network()
    other = MAKERS["sgd"](fresh.parameters())
    load_grown(tmp_path, fresh, other)

    assert_same(expected, step(fresh.train(), other))
    assert [p.requires_grad for p in fresh.parameters()] == [p.requires_grad for p in model.parameters()]


def test_a_consolidated_network_is_loaded_as_such(tmp_path: Path) -> None:
    model, optimizer = grown(MAKERS["sgd"])
    consolidate(model, optimizer)
    grow(model, optimizer, WidenHead(path="4", to=7))
    save_grown(tmp_path, model, optimizer)
    expected = step(model, optimizer)

    fresh = network()
    other = MAKERS["sgd"](fresh.named_parameters())
    load_grown(tmp_path, fresh, other)

    assert_same(expected, step(fresh, other))


def test_heads_and_a_teacher_come_back(tmp_path: Path) -> None:
    model = GrowableModel(network(), "known")
    optimizer = MAKERS["sgd"](model.parameters())
    grow(model, optimizer, AttachHead(name="late", outputs=2, tap="2"), probe=Probe(INPUTS))
    grow(model, optimizer, ReplaceHead(path="4", to=5, keep_teacher=True))
    step(model, optimizer)
    save_grown(tmp_path, model, optimizer)
    taught = model.teacher(INPUTS)["late"]  # type: ignore[operator]
    expected = step(model, optimizer)

    fresh = GrowableModel(network(), "known")
    other = MAKERS["sgd"](fresh.parameters())
    load_grown(tmp_path, fresh, other)

    assert torch.equal(fresh.teacher(INPUTS)["late"], taught)  # type: ignore[operator]
    assert_same(expected, step(fresh, other))


def test_a_network_around_one_that_grew_is_saved(tmp_path: Path) -> None:
    model, _ = grown(MAKERS["sgd"])
    around = nn.ModuleDict({"encoder": model})
    save_grown(tmp_path, around)

    fresh = nn.ModuleDict({"encoder": network()})
    load_grown(tmp_path, fresh)

    assert_same(around.state_dict(), fresh.state_dict())


def test_two_optimizers_a_scheduler_and_a_scaler_go_on(tmp_path: Path) -> None:
    def trained(model: nn.Module) -> tuple[list[Optimizer], LRScheduler, torch.amp.GradScaler]:
        body, head = list(model.parameters())[:4], list(model.parameters())[4:]
        optimizers = [torch.optim.SGD(body, lr=0.1, momentum=0.9), torch.optim.Adam(head, lr=0.1)]
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**9, growth_interval=1)
        return optimizers, StepLR(optimizers[1], step_size=1, gamma=0.5), scaler

    model = network()
    optimizers, scheduler, scaler = trained(model)
    step(model, *optimizers)
    scheduler.step()
    scaler.scale(torch.ones(1))
    save_grown(tmp_path, model, optimizers, scheduler=scheduler, scaler=scaler)
    expected = step(model, *optimizers)

    fresh = network()
    others, its, scale = trained(fresh)
    load_grown(tmp_path, fresh, others, scheduler=its, scaler=scale)

    assert_same(expected, step(fresh, *others))
    assert its.get_last_lr() == scheduler.get_last_lr() == [0.05]
    assert its.last_epoch == 1
    with pytest.raises(SnapshotError, match="expected 2 optimizers"):
        load_grown(tmp_path, network(), others[0])


def test_random_streams_go_on(tmp_path: Path) -> None:
    save_grown(tmp_path, network())

    def draw() -> tuple[float, float, float]:
        return float(torch.rand(1)), random.random(), float(np.random.rand())  # noqa: NPY002

    expected = draw()
    load_grown(tmp_path, network())

    assert draw() == expected


SCHEDULERS: dict[str, Callable[[Optimizer], Any]] = {
    "chain": lambda o: ChainedScheduler([LambdaLR(o, lambda step: 0.9**step), ExponentialLR(o, 0.9)]),
    "cyclic": lambda o: CyclicLR(o, 0.01, 0.1, step_size_up=3, scale_fn=lambda cycle: 0.5**cycle),
    "lambda": lambda o: LambdaLR(o, [lambda step: 0.9**step]),
    "one cycle": lambda o: OneCycleLR(o, max_lr=0.1, total_steps=20),
    "plateau": lambda o: ReduceLROnPlateau(o, patience=0, min_lr=[0.001]),
    "sequence": lambda o: SequentialLR(o, [LambdaLR(o, lambda _step: 0.5), ExponentialLR(o, 0.9)], [3]),
    "warm restarts": lambda o: CosineAnnealingWarmRestarts(o, 3),
}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_schedules_go_on_with_the_groups_of_a_growth(name: str, tmp_path: Path) -> None:
    def scheduled(model: nn.Module) -> tuple[Optimizer, Any]:
        optimizer = MAKERS["sgd"](model.parameters())
        return optimizer, SCHEDULERS[name](optimizer)

    def steps(model: nn.Module, optimizer: Optimizer, scheduler: Any) -> list[list[float]]:
        rates = []
        for _ in range(4):
            step(model, optimizer)
            scheduler.step(*([1.0] if name == "plateau" else []))
            rates.append([float(group["lr"]) for group in optimizer.param_groups])
        return rates

    model = network()
    optimizer, scheduler = scheduled(model)
    steps(model, optimizer, scheduler)
    grow(model, optimizer, WidenHead(path="4", to=5), scheduler=scheduler, lr_factor=0.5)
    steps(model, optimizer, scheduler)
    save_grown(tmp_path, model, optimizer, scheduler=scheduler)
    expected = steps(model, optimizer, scheduler)

    fresh = network()
    other, again = scheduled(fresh)
    load_grown(tmp_path, fresh, other, scheduler=again)

    assert steps(fresh, other, again) == expected
    assert all(old * 0.5 == pytest.approx(new) for old, new in expected) or name == "plateau"
    assert_same(model.state_dict(), fresh.state_dict())


@pytest.mark.parametrize("damage", ["nothing", "header", "version", "missing", "bit", "text"])
def test_a_bad_folder_is_one_line_and_changes_nothing(damage: str, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    if damage != "nothing":
        save_grown(folder, *grown(MAKERS["sgd"]))
        header, (tensors,) = folder / "grown.json", folder.glob("*.safetensors")
    if damage == "header":
        header.unlink()
    elif damage == "version":
        header.write_text(json.dumps(json.loads(header.read_text()) | {"version": 99}))
    elif damage == "text":
        header.write_text("[]")
    elif damage == "missing":
        tensors.unlink()
    elif damage == "bit":
        content = bytearray(tensors.read_bytes())
        content[-1] ^= 1
        tensors.write_bytes(content)
    fresh = network()
    optimizer, before = MAKERS["sgd"](fresh.parameters()), fresh.state_dict()

    with pytest.raises(SnapshotError) as caught:
        load_grown(folder, fresh, optimizer)

    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)
    assert_same(before, fresh.state_dict())


def test_another_network_or_optimizer_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    save_grown(tmp_path, *grown(MAKERS["sgd"]))
    other = nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 3))
    fresh = network()
    wrong = torch.optim.Adam(fresh.parameters())
    before, held = fresh.state_dict(), [id(parameter) for parameter in wrong.param_groups[0]["params"]]

    with pytest.raises(SnapshotError, match="build it as it was at first"):
        load_grown(tmp_path, other)
    with pytest.raises(SnapshotError, match="expected SGD, which was saved, found Adam"):
        load_grown(tmp_path, fresh, wrong)

    assert_same(before, fresh.state_dict())
    assert [id(parameter) for parameter in wrong.param_groups[0]["params"]] == held


@pytest.mark.parametrize("file", ["grown.json", "tensors-"])
def test_a_save_that_fails_leaves_what_was_there(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, optimizer = grown(MAKERS["sgd"])
    save_grown(tmp_path, model, optimizer, extra={"step": 1})
    replace = Path.replace

    def die(path: Path, target: Path) -> Path:
        if target.name.startswith(file):
            raise OSError("No space left on device")
        return replace(path, target)

    step(model, optimizer)
    monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(StoreError, match="No space left"):
        save_grown(tmp_path, model, optimizer, extra={"step": 2})
    monkeypatch.undo()

    assert load_grown(tmp_path, network()) == {"step": 1}
    save_grown(tmp_path, model, optimizer, extra={"step": 3})
    assert load_grown(tmp_path, network()) == {"step": 3}
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".safetensors"]


def test_what_cannot_be_saved_is_named(tmp_path: Path) -> None:
    model = network()

    with pytest.raises(SpecError, match=r"extra\.when"):
        save_grown(tmp_path, model, extra={"when": object()})
    with pytest.raises(SurgeryError, match="only the model's parameters"):
        save_grown(tmp_path, model, MAKERS["sgd"](network().parameters()))
    assert list(tmp_path.iterdir()) == []
