import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from harness.core.errors import ModulePathError, SpecError
from harness.growth import AttachHead, GrowBest, Probe, Unchanged, WidenHead, WidenLayer, grow, load_grown, save_grown
from harness.growth.units import RandomUnits
from harness.initializers import KaimingUniform

ROWS = torch.randn(16, 4, generator=torch.Generator().manual_seed(0))
TARGETS = torch.arange(16) % 3
PROBE = Probe(ROWS, TARGETS)
RANDOM = RandomUnits(outgoing=KaimingUniform())
FIRST, SECOND = (WidenLayer(path=path, by=2, method=RANDOM) for path in ("0", "2"))


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3))


def loss_of(model: nn.Module) -> float:
    return float(nn.functional.cross_entropy(model(ROWS), TARGETS).detach())


def test_the_candidate_with_the_lowest_loss_is_kept() -> None:
    model, losses = network(), []
    seeds = torch.randint(2**62, (4,), generator=torch.Generator().manual_seed(7)).tolist()
    for stream, candidate in enumerate((FIRST, FIRST, SECOND, SECOND)):
        twin = copy.deepcopy(model)
        candidate.apply(twin, probe=PROBE, generator=torch.Generator().manual_seed(seeds[stream]))
        losses.append(loss_of(twin))

    best = GrowBest(candidates=(FIRST, SECOND), draws=2, by="loss")
    growth = best.apply(model, probe=PROBE, generator=torch.Generator().manual_seed(7))

    assert len(set(losses)) == 4
    assert loss_of(model) == pytest.approx(min(losses))
    assert isinstance(growth.chosen, GrowBest)
    assert growth.chosen.stream == losses.index(min(losses))
    assert growth.chosen.candidates == ((FIRST, SECOND)[growth.chosen.stream // 2],)


def test_the_candidate_with_the_steepest_gradient_is_kept() -> None:
    layer = nn.Sequential(nn.Linear(4, 3))
    few, many = (WidenHead(path="0", to=to, new_rows="zeros", new_bias="zeros") for to in (4, 8))

    def steepness(candidate: WidenHead) -> float:
        twin = copy.deepcopy(layer)
        growth = candidate.apply(twin, probe=None, generator=torch.Generator())
        gradients = torch.autograd.grad(nn.functional.cross_entropy(twin(ROWS), TARGETS), growth.born)
        return sum(float(gradient.square().sum()) for gradient in gradients)

    steepest = max((few, many), key=steepness)
    growth = GrowBest(candidates=(few, many)).apply(layer, probe=PROBE, generator=torch.Generator())

    assert isinstance(growth.chosen, GrowBest)
    assert growth.chosen.candidates == (steepest,)


def test_what_was_kept_is_repeated_in_averages_and_on_fresh_networks(tmp_path: Path) -> None:
    model = network()
    average = torch.optim.swa_utils.AveragedModel(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    loss = nn.functional.cross_entropy(model(ROWS), TARGETS)
    loss.backward()
    optimizer.step()

    best = GrowBest(candidates=(FIRST, SECOND), draws=3)
    grown = grow(model, optimizer, best, probe=PROBE, average=average)

    chosen = grown.growth.chosen
    assert isinstance(chosen, GrowBest)
    assert [tuple(p.shape) for p in average.module.parameters()] == [tuple(p.shape) for p in model.parameters()]
    new = [p for p in grown.growth.carried if p.new.shape[0] > p.old.shape[0] and p.new.dim() == 2]
    twins = dict(average.module.named_parameters())
    name = next(name for name, p in model.named_parameters() if p is new[0].new)
    rows = len(new[0].old)
    assert torch.equal(twins[name][rows:], new[0].new[rows:])  # the same draw
    save_grown(tmp_path, model)
    fresh = network()
    load_grown(tmp_path, fresh)
    assert torch.equal(fresh(ROWS), model(ROWS))


def test_nothing_is_left_of_what_was_tried(conv_model: nn.Module, images: torch.Tensor) -> None:
    held = {name: id(tensor) for name, tensor in conv_model.named_parameters()}
    impossible = WidenLayer(path="nowhere", by=1)

    with pytest.raises(ModulePathError, match="no module 'nowhere'"):
        GrowBest(candidates=(WidenLayer(path="hidden.linear", by=1), impossible)).apply(
            conv_model, probe=Probe(images, torch.zeros(5, dtype=torch.long)), generator=torch.Generator()
        )

    assert {name: id(tensor) for name, tensor in conv_model.named_parameters()} == held


def test_a_comparison_needs_a_loss() -> None:
    best = GrowBest(candidates=(FIRST, SECOND))
    with pytest.raises(SpecError, match="expected examples to compare growths on, found none"):
        best.apply(network(), probe=None, generator=torch.Generator())
    with pytest.raises(SpecError, match="expected targets to find directions of steepest descent, found none"):
        best.apply(network(), probe=Probe(ROWS), generator=torch.Generator())


def test_candidates_add_the_same_outputs() -> None:
    with pytest.raises(SpecError, match="expected candidates that add the same outputs"):
        GrowBest(candidates=(AttachHead(name="late", outputs=2, tap="0"), Unchanged()))
    with pytest.raises(SpecError, match="expected one candidate and one draw with stream=1"):
        GrowBest(candidates=(FIRST, SECOND), stream=1)
