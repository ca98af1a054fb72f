"""What every operation promises, on networks of every sort.

A place where an operation cannot be done is as good as one where it can, if it says so and leaves everything as it was.
"""

import contextlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import InputError
from harness.growth import AbstractOperation, GrowthEvent, NoFreezing, Probe, Promise, grow
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
    "widen_layer at random": lambda s: WidenLayer(path=s.hidden, by=1, method=RandomUnits()),
}
WIDENINGS = {"widen_layer", "widen_layer in pairs", "widen_layer at random"}
REFUSED: dict[str, set[str]] = {
    "residual net": WIDENINGS,  # across the sum of the stem with the block
    "transformer encoder": WIDENINGS,  # torch's own layers are not traced into
    "lstm": WIDENINGS,
    "tied weights": WIDENINGS,
    "hooks": WIDENINGS,  # which change what tracing would show
    "transformers": WIDENINGS,  # not traced: their shapes decide what is computed
}
TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-12, torch.bfloat16: 5e-2}


@pytest.fixture(params=OPERATIONS)
def operation(request: pytest.FixtureRequest, specimen: Any) -> AbstractOperation:
    return OPERATIONS[request.param](specimen)


def outputs(model: nn.Module, inputs: Tensor) -> Mapping[str, Tensor]:
    """Return what `model` computes in eval mode, by name."""
    with torch.no_grad():
        found = model.eval()(inputs)
    assert isinstance(found, Mapping)
    return {name: value for name, value in found.items() if isinstance(value, Tensor)}


def step(model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor) -> None:
    optimizer.zero_grad()
    found = [value for value in model.train()(inputs).values() if isinstance(value, Tensor)]
    torch.stack([value.float().square().mean() for value in found]).sum().backward()
    optimizer.step()


def trained(specimen: Any) -> tuple[GrowableModel, torch.optim.Optimizer]:
    model = specimen.model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    with torch.random.fork_rng():
        torch.manual_seed(2)  # for dropout
        step(model, optimizer, specimen.inputs())
    return model, optimizer


def grown(specimen: Any, operation: AbstractOperation) -> tuple[GrowableModel, torch.optim.Optimizer] | None:
    """Return a network that was trained and has just grown; None if growth was refused, which must change nothing."""
    model, optimizer = trained(specimen)
    before = {name: id(tensor) for name, tensor in model.state_dict(keep_vars=True).items()}
    try:
        grow(model, optimizer, operation, probe=Probe(specimen.inputs()))
    except InputError:
        assert before == {name: id(tensor) for name, tensor in model.state_dict(keep_vars=True).items()}
        return None
    return model, optimizer


def test_old_outputs_are_what_was_promised(specimen: Any, operation: AbstractOperation) -> None:
    before = outputs(trained(specimen)[0], specimen.inputs())

    subject = grown(specimen, operation)
    if subject is None:
        return
    after = outputs(subject[0], specimen.inputs())

    tolerance = {Promise.EXACT: 0.0, Promise.CLOSE: TOLERANCES[specimen.dtype], Promise.NONE: float("inf")}
    allowed = tolerance[operation.promise()]
    for name, old in before.items():
        kept = [column for column, source in enumerate(_sources(operation, old.shape[1])) if source is not None]
        sources = [source for source in _sources(operation, old.shape[1]) if source is not None]
        assert (after[name][:, kept] - old[:, sources]).abs().max() <= allowed


def _sources(operation: AbstractOperation, columns: int) -> list[int | None]:
    """Return the old column that each column of the old output comes from."""
    if isinstance(operation, ReplaceHead):
        return [operation.rows_from.get(row) for row in range(operation.to)]
    return list(range(columns))


def test_training_goes_on(specimen: Any, operation: AbstractOperation) -> None:
    subject = grown(specimen, operation)
    if subject is None:
        return
    model, optimizer = subject
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}

    step(model, optimizer, specimen.inputs())

    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert {id(p) for p in model.parameters() if p.requires_grad} == held
    assert any(not torch.equal(before[name], tensor) for name, tensor in model.named_parameters())


def test_everything_else_keeps_its_name_its_type_and_its_moments(specimen: Any, operation: AbstractOperation) -> None:
    model, optimizer = trained(specimen)
    names = {name: id(tensor) for name, tensor in model.named_parameters()}
    moments = {id(p): {k: torch.as_tensor(v).clone() for k, v in s.items()} for p, s in optimizer.state.items()}
    try:
        record = grow(model, optimizer, operation, probe=Probe(specimen.inputs())).growth
    except InputError:
        return
    changed = {id(p) for p in (*record.gone, *(item.old for item in record.carried))}
    after = {name: id(tensor) for name, tensor in model.named_parameters()}

    elsewhere = {n: i for n, i in names.items() if i not in changed and specimen.classifier not in n}
    assert elsewhere.items() <= after.items()
    assert {p.dtype for p in model.parameters()} == {specimen.dtype}
    kept = {id(p): s for p, s in optimizer.state.items() if id(p) in moments and id(p) not in changed}
    assert all(torch.equal(torch.as_tensor(s[k]), v) for i, s in kept.items() for k, v in moments[i].items())


def test_the_global_random_stream_is_left_alone(specimen: Any, operation: AbstractOperation) -> None:
    model, _ = trained(specimen)
    stream = torch.get_rng_state()

    with contextlib.suppress(InputError):
        operation.apply(model, probe=Probe(specimen.inputs()), generator=torch.Generator())

    assert torch.equal(torch.get_rng_state(), stream)


def test_a_replayed_lineage_with_loaded_values_is_the_original_to_the_bit(
    specimen: Any, operation: AbstractOperation
) -> None:
    original, optimizer = trained(specimen)
    probe = Probe(specimen.inputs())
    event = GrowthEvent(step=1, change=Change(operation=operation, freeze=NoFreezing()))
    try:
        identities = grow(original, optimizer, operation, probe=probe).identities
    except InputError:
        return
    fresh = specimen.model()

    replayed, *_ = replay(fresh, (GrowthEvent.model_validate(event.to_json()),), probe=lambda _: probe)
    with torch.no_grad():
        for name, tensor in replayed.tensors().items():
            tensor.copy_(identities[name].tensor)

    assert list(replayed) == list(identities)
    expected = outputs(original, specimen.inputs())
    assert all(torch.equal(value, expected[name]) for name, value in outputs(fresh, specimen.inputs()).items())


def test_a_failure_after_the_operation_leaves_everything_as_it_was(
    specimen: Any, operation: AbstractOperation, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, optimizer = trained(specimen)
    before = outputs(model, specimen.inputs())
    names = {name: id(tensor) for name, tensor in model.state_dict(keep_vars=True).items()}
    state = {id(p): dict(s) for p, s in optimizer.state.items()}

    def fail(*_: object, **__: object) -> None:
        raise InputError("no")

    monkeypatch.setattr(sys.modules["harness.growth.grow"], "check_coverage", fail)
    with pytest.raises(InputError):
        grow(model, optimizer, operation, probe=Probe(specimen.inputs()))

    assert names == {name: id(tensor) for name, tensor in model.state_dict(keep_vars=True).items()}
    assert state == {id(p): dict(s) for p, s in optimizer.state.items()}
    after = outputs(model, specimen.inputs())
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_what_is_refused_is_known(specimen: Any) -> None:
    refused = {name for name, make in OPERATIONS.items() if grown(specimen, make(specimen)) is None}

    assert refused == REFUSED.get(specimen.name, set())
