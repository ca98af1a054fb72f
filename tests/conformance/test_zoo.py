"""What every operation promises, on networks of every sort.

An operation may be impossible on a network, if it says so and leaves everything as it was.
"""

import contextlib
import copy
import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness import growth
from harness.core.errors import InputError
from harness.growth import AbstractOperation, GrowthEvent, NoFreezing, Probe, Promise
from harness.growth.layers import MLPBlock
from harness.growth.lineage import Change, replay
from harness.growth.operations import (
    AttachHead,
    InsertLayer,
    ReplaceHead,
    SplitClass,
    ToggleHead,
    Unchanged,
    WidenHead,
    WidenLayer,
)
from harness.growth.units import PairedUnits, RandomUnits
from harness.models import GrowableModel

OPERATIONS: dict[str, Callable[[Any], AbstractOperation]] = {
    "attach_head": lambda s: AttachHead(name="late", outputs=2, tap=s.tap, width=4),
    "widen_head": lambda s: WidenHead(path=s.classifier, to=5),
    "widen_head in place": lambda s: WidenHead(path=s.classifier, to=5, rows="in_place"),
    "split_class": lambda s: SplitClass(path=s.classifier, parent=1, children=3),
    "replace_head": lambda s: ReplaceHead(path=s.classifier, to=2, rows_from={0: 2}),
    "toggle_head": lambda _: ToggleHead(name="known", on=True),
    "unchanged": lambda _: Unchanged(),
    "insert_layer": lambda s: InsertLayer(after=s.classifier, layer=MLPBlock(width=4)),
    "insert_layer, off": lambda s: InsertLayer(after=s.classifier, layer=MLPBlock(width=4), flag="depth", on=False),
    "widen_layer": lambda s: WidenLayer(path=s.hidden, by=2),
    "widen_layer in pairs": lambda s: WidenLayer(path=s.hidden, by=2, method=PairedUnits()),
    "widen_layer with all others": lambda s: WidenLayer(path=s.hidden, by=2, together="all"),
    "widen_layer at random": lambda s: WidenLayer(path=s.hidden, by=1, method=RandomUnits()),
}
WIDENINGS = {"widen_layer", "widen_layer in pairs", "widen_layer at random"}
REFUSED: dict[str, set[str]] = {
    "residual net": WIDENINGS,  # across the sum of the stem with the block
    "lstm": {*WIDENINGS, "widen_layer with all others"},
    "tied weights": {*WIDENINGS, "widen_layer with all others"},
    "decoder": {"split_class"},  # its classes are the tokens that it reads
}
TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-12, torch.bfloat16: 5e-2}


def outputs(model: nn.Module, inputs: Tensor) -> Mapping[str, Tensor]:
    """Return what `model` computes in eval mode, by name."""
    with torch.no_grad():
        found = model.eval()(inputs)
    assert isinstance(found, Mapping)
    return {name: value for name, value in found.items() if isinstance(value, Tensor)}


def step(model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor) -> None:
    optimizer.zero_grad()
    values = [value for value in model.train()(inputs).values() if isinstance(value, Tensor)]
    torch.stack([value.float().square().mean() for value in values]).sum().backward()
    optimizer.step()


@functools.cache
def _trained_once(specimen: Any) -> tuple[GrowableModel, torch.optim.Optimizer]:
    model = specimen.model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    with torch.random.fork_rng():
        torch.manual_seed(2)  # for dropout
        step(model, optimizer, specimen.inputs())
    return model, optimizer


def trained(specimen: Any) -> tuple[GrowableModel, torch.optim.Optimizer]:
    """Return a network after one update, and its optimizer, for the caller alone."""
    model, optimizer = copy.deepcopy(_trained_once(specimen))
    for parameter, original in zip(model.parameters(), _trained_once(specimen)[0].parameters(), strict=True):
        parameter.grad = None if original.grad is None else original.grad.clone()
    return model, optimizer


def tensors_of(model: nn.Module) -> dict[str, int]:
    return {name: id(tensor) for name, tensor in model.state_dict(keep_vars=True).items()}


@dataclass(frozen=True)
class Grown:
    """A network that was trained and has grown.

    Attributes:
        before: its outputs before the growth.
        parameters: by name, the identities of its parameters before the growth.
        moments: by parameter, the optimizer's state before the growth.
        result: what the growth did; None if it was refused.
    """

    operation: AbstractOperation
    model: GrowableModel
    optimizer: torch.optim.Optimizer
    before: Mapping[str, Tensor]
    parameters: Mapping[str, int]
    moments: Mapping[int, Mapping[str, Tensor]]
    result: growth.Grown | None


def grown(specimen: Any, operation: AbstractOperation) -> Grown:
    """Let a network grow; a growth that is refused must change nothing."""
    model, optimizer = trained(specimen)
    before, tensors = outputs(model, specimen.inputs()), tensors_of(model)
    model.train()
    parameters = {name: id(parameter) for name, parameter in model.named_parameters()}
    moments = {id(p): {k: torch.as_tensor(v).clone() for k, v in s.items()} for p, s in optimizer.state.items()}
    try:
        result = growth.grow(model, optimizer, operation, probe=Probe(specimen.inputs()))
    except InputError:
        assert tensors_of(model) == tensors
        result = None
    return Grown(operation, model, optimizer, before, parameters, moments, result)


@functools.cache
def growths(specimen: Any) -> dict[str, Grown]:
    """Return the same network grown by each operation, by the operation's name; tests do not change them."""
    return {name: grown(specimen, make(specimen)) for name, make in OPERATIONS.items()}


def that_happened(specimen: Any) -> dict[str, tuple[Grown, growth.Grown]]:
    return {name: (case, case.result) for name, case in growths(specimen).items() if case.result is not None}


def test_old_outputs_are_what_was_promised(specimen: Any) -> None:
    tolerance = {Promise.EXACT: 0.0, Promise.CLOSE: TOLERANCES[specimen.dtype], Promise.NONE: float("inf")}

    broken = {
        name: operation
        for operation, (case, _) in that_happened(specimen).items()
        for name, change in changes(case, outputs(case.model, specimen.inputs())).items()
        if not change <= tolerance[case.operation.promise()]
    }

    assert broken == {}


def changes(case: Grown, after: Mapping[str, Tensor]) -> dict[str, float]:
    """Return by output the largest change of a column that is still there."""
    largest = {}
    for name, old in case.before.items():
        sources = _sources(case.operation, old.shape[-1])
        pairs = [(column, source) for column, source in enumerate(sources) if source is not None]
        kept, from_ = [list(side) for side in zip(*pairs, strict=True)]
        largest[name] = (after[name][..., kept] - old[..., from_]).abs().max().item()
    return largest


def _sources(operation: AbstractOperation, columns: int) -> list[int | None]:
    """Return the old column that each column of the old output comes from."""
    if isinstance(operation, ReplaceHead):
        return [operation.rows_from.get(row) for row in range(operation.to)]
    return list(range(columns))


def test_training_goes_on(specimen: Any) -> None:
    for name, (case, _) in that_happened(specimen).items():
        model, optimizer = copy.deepcopy((case.model, case.optimizer))
        before = {path: tensor.clone() for path, tensor in model.named_parameters()}

        step(model, optimizer, specimen.inputs())

        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        assert {id(p) for p in model.parameters() if p.requires_grad} == held, name
        assert any(not torch.equal(before[path], tensor) for path, tensor in model.named_parameters()), name


def test_everything_else_keeps_its_name_its_type_and_its_moments(specimen: Any) -> None:
    for name, (case, result) in that_happened(specimen).items():
        record = result.growth
        changed = {id(p) for p in (*record.gone, *(item.old for item in record.carried))}
        after = {path: id(tensor) for path, tensor in case.model.named_parameters()}

        elsewhere = {n: i for n, i in case.parameters.items() if i not in changed and specimen.classifier not in n}
        assert elsewhere.items() <= after.items(), name
        assert {p.dtype for p in case.model.parameters()} == {specimen.dtype}, name
        kept = {id(p): s for p, s in case.optimizer.state.items() if id(p) in case.moments and id(p) not in changed}
        moved = [
            (i, k)
            for i, s in kept.items()
            for k, v in case.moments[i].items()
            if not torch.equal(torch.as_tensor(s[k]), v)
        ]
        assert moved == [], name


def test_the_global_random_stream_is_left_alone(specimen: Any) -> None:
    for name, make in OPERATIONS.items():
        model, _ = trained(specimen)
        stream = torch.get_rng_state()

        with contextlib.suppress(InputError):
            make(specimen).apply(model, probe=Probe(specimen.inputs()), generator=torch.Generator())

        assert torch.equal(torch.get_rng_state(), stream), name


def test_a_replayed_lineage_with_loaded_values_is_the_original_to_the_bit(specimen: Any) -> None:
    probe = Probe(specimen.inputs())
    for name, (case, result) in that_happened(specimen).items():
        event = GrowthEvent(step=1, change=Change(operation=case.operation, freeze=NoFreezing()))
        fresh = specimen.model()

        replayed, *_ = replay(fresh, (GrowthEvent.model_validate(event.to_json()),), probe=lambda _: probe)
        with torch.no_grad():
            for path, tensor in replayed.tensors().items():
                tensor.copy_(result.identities[path].tensor)

        assert list(replayed) == list(result.identities), name
        expected, found = outputs(case.model, specimen.inputs()), outputs(fresh, specimen.inputs())
        assert [output for output, value in found.items() if not torch.equal(value, expected[output])] == [], name


def test_a_failure_after_the_operation_leaves_everything_as_it_was(
    specimen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise InputError("no")

    monkeypatch.setattr(sys.modules["harness.growth.grow"], "check_coverage", fail)
    for name, make in OPERATIONS.items():
        model, optimizer = trained(specimen)
        before, tensors = outputs(model, specimen.inputs()), tensors_of(model)
        state = {id(p): dict(s) for p, s in optimizer.state.items()}

        with pytest.raises(InputError):
            growth.grow(model, optimizer, make(specimen), probe=Probe(specimen.inputs()))

        assert tensors_of(model) == tensors, name
        assert {id(p): dict(s) for p, s in optimizer.state.items()} == state, name
        after = outputs(model, specimen.inputs())
        assert [output for output, value in before.items() if not torch.equal(after[output], value)] == [], name


def test_what_is_refused_is_known(specimen: Any) -> None:
    refused = {name for name, case in growths(specimen).items() if case.result is None}

    assert refused == REFUSED.get(specimen.name, set())
