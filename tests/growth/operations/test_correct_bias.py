import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import logsumexp
from torch import Tensor, nn

from harness.core.errors import ModulePathError, SpecError
from harness.growth import AnswerByCosines, CorrectBias, GrowthEvent, NoFreezing, Probe, WidenHead, grow, growth_state
from harness.growth.lineage import Change, replay
from harness.models import GrowableModel

FIRST = 2


def grown(rows: str = "own") -> tuple[nn.Sequential, torch.optim.Optimizer]:
    """Return a network whose output layer got three rows after its first three."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 3))
    optimizer = torch.optim.Adam(model.parameters())
    grow(model, optimizer, WidenHead.model_validate({"path": "2", "to": 6, "rows": rows}))
    return model, optimizer


def examples() -> Probe:
    """Return examples of whose classes the network knows something."""
    torch.manual_seed(1)
    inputs, model = 3 * torch.randn(200, 3), grown()[0]
    logits = 2 * model(inputs).detach()
    logits[:, FIRST:] -= 1.0
    return Probe(inputs, torch.distributions.Categorical(logits=logits).sample())


def loss_by_hand(numbers: np.ndarray, logits: Tensor, targets: Tensor, decay: float) -> float:
    """Return what equation 4 of arXiv 1905.13260 gives, and the decay."""
    corrected = logits.double().numpy().copy()
    corrected[:, FIRST:] = numbers[0] * corrected[:, FIRST:] + numbers[1]
    losses = logsumexp(corrected, axis=1) - corrected[np.arange(len(targets)), targets.numpy()]
    return float(losses.mean() + decay / 2 * ((numbers[0] - 1) ** 2 + numbers[1] ** 2))


@pytest.mark.parametrize("decay", [0.0, 0.5])
@pytest.mark.parametrize("rows", ["own", "in_place"])
def test_scale_and_shift_are_those_with_the_lowest_loss_and_stand_in_the_lineage(rows: str, decay: float) -> None:
    (model, optimizer), probe = grown(rows), examples()
    before = model(probe.inputs).detach()

    grow(model, optimizer, CorrectBias(path="2", first=FIRST, decay=decay), probe=probe)

    found = growth_state(model).lineage[-1].change.operation
    assert isinstance(found, CorrectBias)
    assert found.scale is not None
    assert found.shift is not None
    best = minimize(loss_by_hand, [1.0, 0.0], args=(before, probe.targets, decay), method="Nelder-Mead", tol=1e-9).x
    assert [found.scale, found.shift] == pytest.approx(best, abs=1e-3)
    assert abs(found.shift) > 0.01
    after = model(probe.inputs).detach()
    torch.testing.assert_close(after[:, FIRST:], found.scale * before[:, FIRST:] + found.shift)
    assert torch.equal(after[:, :FIRST], before[:, :FIRST]) or rows == "in_place"


def test_what_is_given_is_not_looked_for() -> None:
    (model, _), probe = grown(), examples()
    operation = CorrectBias(path="2", first=FIRST, shift=-0.5)

    chosen = operation.apply(model, probe=probe, generator=torch.Generator()).chosen

    assert isinstance(chosen, CorrectBias)
    assert chosen.shift == -0.5
    assert chosen.scale not in (None, 1.0)
    assert not chosen.reads_loss


def test_who_repeats_it_needs_no_examples() -> None:
    model = GrowableModel(nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 3)), "known")
    operation = CorrectBias(path="1", first=1, scale=2.0, shift=1.0)
    bias = model.get_parameter("backbone.1.bias").detach().clone()

    replay(model, (GrowthEvent(step=1, change=Change(operation=operation, freeze=NoFreezing())),), probe=lambda _: None)  # type: ignore[arg-type, return-value]

    expected = torch.cat([bias[:1], 2 * bias[1:] + 1.0])
    torch.testing.assert_close(model.get_parameter("backbone.1.bias"), expected)


def test_few_examples_that_can_be_told_apart_move_it_only_so_far() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    with torch.no_grad():
        model.get_parameter("0.weight").copy_(torch.eye(2))
        model.get_parameter("0.bias").zero_()

    chosen = (
        CorrectBias(path="0", first=1)
        .apply(
            model,
            probe=Probe(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]), torch.tensor([0, 1])),
            generator=torch.Generator(),
        )
        .chosen
    )

    assert isinstance(chosen, CorrectBias)
    assert chosen.scale is not None
    assert 1 < chosen.scale < 10


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (CorrectBias(path="2", first=6), "expected first=6 below the 6 rows of '2'"),
        (CorrectBias(path="2", first=2), "expected examples to find scale and shift, found none"),
    ],
)
def test_without_late_rows_or_examples_it_is_refused(operation: CorrectBias, message: str) -> None:
    model, _ = grown()
    before = list(model.parameters())

    with pytest.raises(SpecError, match=message):
        operation.apply(model, probe=None, generator=torch.Generator())

    assert all(one is other for one, other in zip(before, model.parameters(), strict=True))


def test_rows_without_biases_can_only_be_scaled() -> None:
    model = nn.Sequential(nn.Linear(3, 4, bias=False))
    with pytest.raises(SpecError, match=r"expected biases at '0' to shift, found none; set shift=0\.0"):
        CorrectBias(path="0", first=2).apply(model, probe=None, generator=torch.Generator())

    before = model.get_parameter("0.weight").detach().clone()
    CorrectBias(path="0", first=2, scale=0.5, shift=0.0).apply(model, probe=None, generator=torch.Generator())

    assert torch.equal(model.get_parameter("0.weight"), torch.cat([before[:2], before[2:] / 2]))


def test_cosines_have_no_bias_to_correct() -> None:
    model = nn.Sequential(nn.Linear(3, 4))
    AnswerByCosines(path="0").apply(model, probe=None, generator=torch.Generator())

    with pytest.raises(ModulePathError, match=r"grow with the rows of '0\.cosines', found cosines"):
        CorrectBias(path="0.cosines", first=2, shift=0.0).apply(model, probe=None, generator=torch.Generator())
