"""Optimizers of torch and of libraries, and what each makes of a growth.

Every parameter is pulled to a target of its own, so what one entry does depends on others only where the optimizer
couples them.
"""

import warnings
from collections.abc import Callable, Collection
from pathlib import Path
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

Tensors = dict[str, Tensor]
Make = Callable[[list[nn.Parameter]], Optimizer]
BEFORE, AFTER = 3, 6  # steps before the growth, and after it
FAR = 1.0  # by how much targets are moved to see what depends on them
KINDS = ("added", "bigger", "removed")
SECOND_ORDER, WITH_CLOSURE, MATRICES_ALONE = ("AdaHessian", "SophiaH"), ("Closure", "LBFGS", "SAM"), ("Muon",)
SHAPES: dict[str, tuple[int, ...]] = {"weight": (3, 4), "bias": (3,), "other": (2, 3)}
NEW: dict[str, tuple[int, ...]] = {"new": (2, 3), "new_bias": (2,)}
BIG: dict[str, tuple[int, ...]] = {"weight": (5, 6), "bias": (5,)}
REGION = {"weight": (slice(0, 3), slice(0, 4)), "bias": (slice(0, 3),)}
BASE = torch.optim.AdamW


def made(kind: Callable[..., Optimizer], **settings: Any) -> Make:
    return lambda parameters: kind(parameters, **settings)


def library(*names: str, **settings: Any) -> dict[str, Make]:
    return {f"pytorch_optimizer {name}": made(getattr(more, name), **settings) for name in names}


def muon(parameters: list[nn.Parameter]) -> Optimizer:
    matrices, others = ([p for p in parameters if (p.dim() == 2) is flat] for flat in (True, False))
    groups = [{"params": matrices, "use_muon": True}, {"params": others, "use_muon": False}]
    optimizer: Optimizer = more.Muon([group for group in groups if group["params"]], lr=0.01)
    return optimizer


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
    "schedulefree AdamW with closures": made(schedulefree.AdamWScheduleFreeClosure, lr=0.01),
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
    **library("Shampoo", matrix_eps=0.1),
    "pytorch_optimizer Ranger21": made(more.Ranger21, num_iterations=100),
}


class Play:
    """Parameters by name, each pulled to its target by an optimizer of its own."""

    def __init__(self, make: Make, values: Tensors, targets: Tensors) -> None:
        self.parameters = {name: nn.Parameter(value.clone()) for name, value in values.items()}
        self.targets = dict(targets)
        self.optimizer = make(list(self.parameters.values()))
        if callable(train := getattr(self.optimizer, "train", None)):
            train()

    def loss(self) -> Tensor:
        self.optimizer.zero_grad()
        pulls = [(p - self.targets[name]).square().sum() for name, p in self.parameters.items()]
        loss = torch.stack(pulls).sum() / 2
        loss.backward(create_graph=self._is(SECOND_ORDER))
        if self._is(("SparseAdam",)):
            for parameter in self.parameters.values():
                parameter.grad = parameter.grad.to_sparse() if parameter.grad is not None else None
        return loss

    def _is(self, kinds: tuple[str, ...]) -> bool:
        return any(kind in type(self.optimizer).__name__ for kind in kinds)

    def step(self, times: int) -> "Play":
        step: Callable[..., object] = self.optimizer.step
        for _ in range(times):
            self.loss()
            step(*([self.loss] if self._is(WITH_CLOSURE) else []))
        return self

    def grow(self, values: Tensors, targets: Tensors, growth: Callable[[dict[str, nn.Parameter]], Growth]) -> None:
        new = {name: nn.Parameter(value.clone()) for name, value in values.items()}
        operate(self.optimizer, growth(new), step=BEFORE)
        self.parameters |= new
        self.targets |= targets

    @property
    def has_sums(self) -> bool:
        """Whether it keeps numbers of a group that are no counts, such as norms over all of its entries."""
        group = self.optimizer.param_groups[0]
        before = {key: float(value) for key, value in group.items() if isinstance(value, float | Tensor)}
        self.step(1)
        return any(float(group[key]) != value for key, value in before.items())

    def values(self) -> Tensors:
        return {name: parameter.detach().clone() for name, parameter in self.parameters.items()}


def drawn(shapes: dict[str, tuple[int, ...]], seed: int) -> Tensors:
    stream = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=stream) for name, shape in shapes.items()}


def enlarged(values: Tensors, seed: int) -> Tensors:
    big = drawn({name: BIG[name] for name in values if name in BIG}, seed)
    for name, value in big.items():
        value[REGION[name]] = values[name]
    return values | big


class Outcomes:
    """What becomes of one optimizer's parameters."""

    def __init__(self, name: str) -> None:
        self.make = OPTIMIZERS[name]
        dims = (2,) if name in MATRICES_ALONE else (1, 2)
        self.values, self.targets, self.new, self.new_targets = (
            {key: value for key, value in drawn(shapes, seed).items() if value.dim() in dims}
            for seed, shapes in enumerate((SHAPES, SHAPES, NEW, NEW))
        )

    def play(self, steps: int, values: Tensors, targets: Tensors) -> Play:
        torch.manual_seed(0)
        return Play(self.make, values, targets).step(steps)

    def added(self) -> str:
        """Return the outcome of a growth that adds tensors."""
        play = self._with_more(0.0)
        after, other = (each.step(AFTER).values() for each in (play, self._with_more(FAR)))
        without = self.play(BEFORE + AFTER, self.values, self.targets).values()
        fresh = self.play(AFTER, self.new, self.new_targets).values()
        share = moved(after, self.new) / moved(fresh, self.new)
        together = self.play(BEFORE + AFTER, self.values | self.new, self.targets | self.new_targets).values()
        alike = same(after, other, without) and same(together, without)
        return verdict(same(after, without), 0.5 < share < 2, coupled=not alike or play.has_sums)

    def _with_more(self, pull: float) -> Play:
        play = self.play(BEFORE, self.values, self.targets)
        targets = {name: target + pull for name, target in self.new_targets.items()}
        play.grow(self.new, targets, lambda new: Growth(born=tuple(new.values())))
        return play

    def bigger(self) -> str:
        """Return the outcome of a growth that enlarges tensors."""
        names = [name for name in self.values if name in BIG]
        play = self._enlarged(0.0)
        begun, targets = play.values(), play.targets
        after, other = (each.step(AFTER).values() for each in (play, self._enlarged(FAR)))
        without = self.play(BEFORE + AFTER, self.values, self.targets).values()
        fresh = self.play(AFTER, begun, targets).values()
        new, start, usual = ({name: x[name][outside(name)] for name in names} for x in (after, begun, fresh))
        share = moved(new, start) / moved(usual, start)
        old, far = inner(after), inner(other)
        return verdict(same(old, without), 0.1 < share < 10, coupled=not same(old, far) or play.has_sums)

    def _enlarged(self, pull: float) -> Play:
        play = self.play(BEFORE, self.values, self.targets)
        old = {name: parameter for name, parameter in play.parameters.items() if name in BIG}
        values, targets = enlarged(play.values(), 2), enlarged(self.targets, 3)
        for name in old:
            targets[name][outside(name)] += pull

        def growth(new: dict[str, nn.Parameter]) -> Growth:
            carried = tuple(Carried(old[name], new[name], REGION[name]) for name in old)
            return Growth((), carried, tuple(old.values()))

        play.grow({name: values[name] for name in old}, targets, growth)
        return play

    def removed(self) -> str:
        """Return the outcome of a growth that removes a tensor."""
        play = self.play(BEFORE, self.values, self.targets)
        gone = play.parameters.pop("other")
        play.grow({}, {}, lambda _: Growth((), gone=(gone,)))
        far = self.targets | {"other": self.targets["other"] + FAR}
        without, other = (self.play(BEFORE + AFTER, self.values, targets).values() for targets in (self.targets, far))
        after = play.step(AFTER).values()
        fewer = {name: value for name, value in self.values.items() if name != "other"}
        alone = self.play(BEFORE + AFTER, fewer, self.targets).values()
        alike = same(without, other, after) and same(without, alone)
        return verdict(same(after, without), True, coupled=not alike or play.has_sums)


def same(values: Tensors, others: Tensors, names: Collection[str] | None = None) -> bool:
    """Return whether those of `names` that both have are equal to the bit."""
    shared = values.keys() & others.keys() & set(values if names is None else names)
    return all(torch.equal(values[name], others[name]) for name in shared)


def inner(values: Tensors) -> Tensors:
    """Return the old entries."""
    return {name: value[REGION[name]] if value.shape == BIG.get(name) else value for name, value in values.items()}


def outside(name: str) -> Tensor:
    mask = torch.ones(BIG[name], dtype=torch.bool)
    mask[REGION[name]] = False
    return mask


def moved(values: Tensors, begun: Tensors) -> float:
    """Return by how much values differ from those at the beginning, in the mean."""
    return float(torch.cat([(values[name] - value).abs().flatten() for name, value in begun.items()]).mean()) + 1e-9


def verdict(old: bool, new: bool, *, coupled: bool) -> str:
    if old and new:
        return "works"
    return "works, coupled" if coupled else f"WRONG for {'new' if old else 'old'} entries"


def outcome(name: str, kind: str) -> str:
    """Return what becomes of a growth of this kind, in words."""
    try:
        found: str = getattr(Outcomes(name), kind)()
    except SurgeryError as error:
        # What was found, without what was expected and what to do.
        return "refused: " + str(error).partition("found ")[2].removeprefix("that ").partition("; ")[0]
    return found


def row(name: str) -> str:
    """Return the row of the table."""
    return f"| {name} | {' | '.join(outcome(name, kind).replace('|', '/') for kind in KINDS)} |"


TABLE = Path(__file__).parents[3] / "reports" / "docs" / "pages" / "growing-optimizers.md"
HEADING = """# Optimizers and growths

What becomes of an optimizer at a growth: one that adds tensors (a head, an inserted layer, rows of their own), one that
enlarges tensors (rows in place, a wider layer), and one that removes tensors (a head that is replaced).

- *works*: what stays moves on as it would have without the growth, to the bit, and what is new moves about as it would
  under a fresh optimizer, or in a bigger tensor at most ten times more or less.
- *works, coupled*: the same, where the optimizer itself lets one entry depend on others, as by the norm of a tensor or
  by sums over a group; so what stays moves otherwise beside more entries.
- *refused*: in these words, and nothing changes.

No optimizer is known by name: how one begins with a parameter is tried out on a fresh one with the same settings. So
others than these work or are refused by the same rules. `python -m tests.growth.surgery.zoo` writes this table, and a
test compares it.

| optimizer | adds tensors | enlarges tensors | removes tensors |
|---|---|---|---|
"""


def table() -> str:
    """Return the page."""
    return HEADING + "".join(f"{row(name)}\n" for name in OPTIMIZERS)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    TABLE.write_text(table(), encoding="utf-8")
