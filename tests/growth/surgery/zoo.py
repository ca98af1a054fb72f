"""Optimizers of torch and of libraries, and what each makes of a growth.

Every parameter is pulled to a target of its own, so what one entry does depends on others only where the optimizer
couples them.
"""

from collections.abc import Callable
from typing import Any

import lion_pytorch
import pytorch_optimizer as more
import schedulefree
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from harness.core.errors import SurgeryError
from harness.growth.record import Carried, Growth
from harness.growth.surgery import operate

Make = Callable[[list[nn.Parameter]], Optimizer]
BEFORE, AFTER = 3, 3
BASE = torch.optim.AdamW


def made(kind: Callable[..., Optimizer], **settings: Any) -> Make:
    return lambda parameters: kind(parameters, **settings)


def library(*names: str, **settings: Any) -> dict[str, Make]:
    return {f"pytorch_optimizer {name}": made(getattr(more, name), **settings) for name in names}


def muon(parameters: list[nn.Parameter]) -> Optimizer:
    matrices, others = ([p for p in parameters if (p.dim() == 2) is flat] for flat in (True, False))
    groups = [{"params": matrices, "use_muon": True}, {"params": others, "use_muon": False}]
    return more.Muon([group for group in groups if group["params"]], lr=0.01)


OPTIMIZERS: dict[str, Make] = {
    "ASGD": made(torch.optim.ASGD, lr=0.01),
    "Adadelta": made(torch.optim.Adadelta),
    "Adafactor": made(torch.optim.Adafactor, lr=0.01),
    "Adagrad": made(torch.optim.Adagrad, lr=0.01, initial_accumulator_value=0.1),
    "Adam": made(torch.optim.Adam, lr=0.01),
    "Adam amsgrad": made(torch.optim.Adam, lr=0.01, amsgrad=True),
    "AdamW": made(torch.optim.AdamW, lr=0.01),
    "AdamW foreach": made(torch.optim.AdamW, lr=0.01, foreach=True),
    "AdamW fused": made(torch.optim.AdamW, lr=0.01, fused=True),
    "Adamax": made(torch.optim.Adamax, lr=0.01),
    "LBFGS": made(torch.optim.LBFGS),
    "Muon": made(torch.optim.Muon, lr=0.01),
    "NAdam": made(torch.optim.NAdam, lr=0.01),
    "RAdam": made(torch.optim.RAdam, lr=0.01),
    "RMSprop": made(torch.optim.RMSprop, lr=0.01, momentum=0.9, centered=True),
    "Rprop": made(torch.optim.Rprop, lr=0.01),
    "SGD": made(torch.optim.SGD, lr=0.01),
    "SGD momentum": made(torch.optim.SGD, lr=0.01, momentum=0.9),
    "SGD nesterov": made(torch.optim.SGD, lr=0.01, momentum=0.9, nesterov=True),
    "SparseAdam": made(torch.optim.SparseAdam, lr=0.01),
    "schedulefree AdamW": made(schedulefree.AdamWScheduleFree, lr=0.01, warmup_steps=2),
    "schedulefree RAdam": made(schedulefree.RAdamScheduleFree, lr=0.01),
    "schedulefree SGD": made(schedulefree.SGDScheduleFree, lr=0.1),
    "schedulefree Wrapper": lambda p: schedulefree.ScheduleFreeWrapper(torch.optim.SGD(p, lr=0.01), momentum=0.9),
    "lion_pytorch Lion": made(lion_pytorch.Lion, lr=0.01),
    "pytorch_optimizer Muon": muon,
    "pytorch_optimizer Lookahead": lambda p: more.Lookahead(BASE(p, lr=0.01), k=2),
    "pytorch_optimizer SAM": made(more.SAM, base_optimizer=BASE, lr=0.01),
    "pytorch_optimizer SAM of Adagrad": made(more.SAM, base_optimizer=torch.optim.Adagrad, lr=0.01),
    "pytorch_optimizer LookSAM": made(more.LookSAM, base_optimizer=BASE, lr=0.01),
    "pytorch_optimizer FriendlySAM": made(more.FriendlySAM, base_optimizer=BASE, lr=0.01),
    "pytorch_optimizer OrthoGrad": lambda p: more.OrthoGrad(BASE(p, lr=0.01)),
    "pytorch_optimizer TRAC": lambda p: more.TRAC(BASE(p, lr=0.01)),
    "pytorch_optimizer ScheduleFreeWrapper": lambda p: more.ScheduleFreeWrapper(BASE(p, lr=0.01)),
    "pytorch_optimizer PCGrad": lambda p: more.PCGrad(BASE(p, lr=0.01)),
    **library(
        "A2Grad",
        "ADOPT",
        "APOLLO",
        "AccSGD",
        "AdEMAMix",
        "AdaBelief",
        "AdaBound",
        "AdaDelta",
        "AdaFactor",
        "AdaGC",
        "AdaHessian",
        "AdaMax",
        "AdaMod",
        "AdaNorm",
        "AdaPNM",
        "AdaShift",
        "AdaSmooth",
        "AdaTAM",
        "Adai",
        "Adalite",
        "AdamC",
        "AdamG",
        "AdamP",
        "AdamS",
        "AdamWSN",
        "Adan",
        "AggMo",
        "Aida",
        "Alice",
        "Amos",
        "Ano",
        "ApolloDQN",
        "AvaGrad",
        "BCOS",
        "CAME",
        "Conda",
        "DASH",
        "DAdaptAdaGrad",
        "DAdaptAdam",
        "DAdaptAdan",
        "DAdaptLion",
        "DAdaptSGD",
        "DiffGrad",
        "DualAdam",
        "EXAdam",
        "EmoFact",
        "EmoLynx",
        "EmoNavi",
        "FAdam",
        "FOCUS",
        "FTRL",
        "Fira",
        "FlashAdamW",
        "Fromage",
        "GaLore",
        "Grams",
        "Gravity",
        "GrokFastAdamW",
        "Kate",
        "Kron",
        "LARS",
        "LaProp",
        "Lamb",
        "Lion",
        "MADGRAD",
        "MARS",
        "MSVAG",
        "Magma",
        "NovoGrad",
        "PAdam",
        "PID",
        "PNM",
        "Prodigy",
        "QHAdam",
        "QHM",
        "RACS",
        "RAdam",
        "ROSE",
        "Ranger",
        "SCION",
        "SGDP",
        "SGDSaI",
        "SGDW",
        "SM3",
        "SOAP",
        "SPAM",
        "SPlus",
        "SRMM",
        "SWATS",
        "SaRA",
        "ScalableShampoo",
        "ScheduleFreeAdamW",
        "ScheduleFreeRAdam",
        "ScheduleFreeSGD",
        "Shampoo",
        "SignSGD",
        "SimplifiedAdEMAMix",
        "SophiaH",
        "StableAdamW",
        "StableSPAM",
        "TAM",
        "Tiger",
        "VSGD",
        "Yogi",
        "ASGD",
        "Nero",
    ),
    "pytorch_optimizer Ranger21": made(more.Ranger21, num_iterations=100),
}


class Play:
    """Parameters by name, each pulled to its target by an optimizer of its own kind."""

    def __init__(self, make: Make, values: dict[str, Tensor], targets: dict[str, Tensor]) -> None:
        self.parameters = {name: nn.Parameter(value.clone()) for name, value in values.items()}
        self.targets = dict(targets)
        self.optimizer = make(list(self.parameters.values()))
        if callable(train := getattr(self.optimizer, "train", None)):
            train()

    def loss(self) -> Tensor:
        self.optimizer.zero_grad()
        pulls = [(p - self.targets[name]).square().sum() for name, p in self.parameters.items()]
        loss = torch.stack(pulls).sum() / 2
        loss.backward(create_graph=type(self.optimizer).__name__ in SECOND_ORDER)
        return loss

    def step(self, times: int) -> "Play":
        for _ in range(times):
            self.loss()
            self.optimizer.step(*([self.loss] if "SAM" in type(self.optimizer).__name__ else []))
        return self

    def values(self) -> dict[str, Tensor]:
        return {name: parameter.detach().clone() for name, parameter in self.parameters.items()}


SECOND_ORDER = ("AdaHessian", "SophiaH")
SHAPES = {"weight": (3, 4), "bias": (3,), "other": (2, 3)}
NEW = {"new": (2, 3), "new_bias": (2,)}
BIG = {"weight": (5, 6), "bias": (5,)}
REGION = {"weight": (slice(0, 3), slice(0, 4)), "bias": (slice(0, 3),)}


def drawn(shapes: dict[str, tuple[int, ...]], seed: int) -> dict[str, Tensor]:
    stream = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=stream) for name, shape in shapes.items()}


def enlarged(values: dict[str, Tensor], seed: int) -> dict[str, Tensor]:
    big = drawn(BIG, seed)
    for name, region in REGION.items():
        big[name][region] = values[name]
    return big


def outcomes(make: Make) -> tuple[str, str, str]:
    """Return what becomes of a growth that adds tensors, of one that enlarges some, of one that removes one."""
    torch.manual_seed(0)
    return added(make), bigger(make), removed(make)


def start(make: Make) -> Play:
    torch.manual_seed(0)
    return Play(make, drawn(SHAPES, 0), drawn(SHAPES, 1))


def verdict(old: bool, new: bool, coupled: bool) -> str:
    if old and new:
        return "works"
    return "works, coupled" if coupled else f"WRONG old {old} new {new}"


def added(make: Make) -> str:
    play, twin = start(make).step(BEFORE), start(make).step(BEFORE)
    values, targets = drawn(NEW, 2), drawn(NEW, 3)
    new = {name: nn.Parameter(value.clone()) for name, value in values.items()}
    try:
        operate(play.optimizer, Growth(born=tuple(new.values())), step=BEFORE)
    except SurgeryError as error:
        return f"refused: {error}"
    play.parameters |= new
    play.targets |= targets
    after, without, fresh = (
        play.step(AFTER).values(),
        twin.step(AFTER).values(),
        Play(make, values, targets).step(AFTER).values(),
    )
    alone = start(make).step(AFTER).values()
    together = Play(make, drawn(SHAPES, 0) | values, drawn(SHAPES, 1) | targets).step(AFTER).values()
    coupled = not all(torch.equal(together[name], value) for name, value in (alone | fresh).items())
    return (
        verdict(
            all(torch.equal(after[name], value) for name, value in without.items()),
            all(torch.equal(after[name], value) for name, value in fresh.items()),
            coupled,
        )
        + f" {ratio(after, fresh, values):.2g}"
    )


def ratio(after: dict[str, Tensor], fresh: dict[str, Tensor], values: dict[str, Tensor]) -> float:
    moved, usual = (torch.cat([(x[n] - v).abs().flatten() for n, v in values.items()]).mean() for x in (after, fresh))
    return float(moved / usual)


def bigger(make: Make) -> str:
    play, twin = start(make).step(BEFORE), start(make).step(BEFORE)
    values, targets = enlarged(play.values(), 2), enlarged(play.targets, 3)
    new = {name: nn.Parameter(value.clone()) for name, value in values.items()}
    carried = tuple(Carried(play.parameters[name], new[name], REGION[name]) for name in new)
    try:
        operate(play.optimizer, Growth((), carried, tuple(item.old for item in carried)), step=BEFORE)
    except SurgeryError as error:
        return f"refused: {error}"
    play.parameters |= new
    play.targets |= targets
    after, without = play.step(AFTER).values(), twin.step(AFTER).values()
    fresh = Play(make, values, targets).step(AFTER).values()
    alone = start(make).step(AFTER).values()
    together = (
        Play(make, drawn(SHAPES, 0) | enlarged(drawn(SHAPES, 0), 2), drawn(SHAPES, 1) | enlarged(drawn(SHAPES, 1), 3))
        .step(AFTER)
        .values()
    )
    coupled = not all(torch.equal(together[name][region], alone[name][region]) for name, region in REGION.items())
    mask = {name: torch.ones(BIG[name], dtype=torch.bool) for name in BIG}
    for name, region in REGION.items():
        mask[name][region] = False
    cut = [{name: x[name][mask[name]] for name in BIG} for x in (after, fresh, values)]
    share = ratio(*cut)
    return (
        verdict(
            all(torch.equal(after[name][region], without[name]) for name, region in REGION.items()),
            0.1 < share < 10,
            coupled and 0.1 < share < 10,
        )
        + f" {share:.2g}"
    )


def removed(make: Make) -> str:
    play, twin = start(make).step(BEFORE), start(make).step(BEFORE)
    try:
        operate(play.optimizer, Growth((), gone=(play.parameters.pop("other"),)), step=BEFORE)
    except SurgeryError as error:
        return f"refused: {error}"
    after, without = play.step(AFTER).values(), twin.step(AFTER).values()
    alone = start(make).step(AFTER).values()
    fewer = (
        Play(make, {n: v for n, v in drawn(SHAPES, 0).items() if n != "other"}, drawn(SHAPES, 1)).step(AFTER).values()
    )
    coupled = not all(torch.equal(alone[name], value) for name, value in fewer.items())
    return verdict(all(torch.equal(after[name], without[name]) for name in after), True, coupled)
