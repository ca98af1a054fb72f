"""Scores of units, against numbers that are computed by hand."""

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError, SpecError
from harness.core.spec import LeafSpec
from harness.growth import Probe, PruneUnits
from harness.growth.scores import AbstractScore, ActivationScore, MagnitudeScore, RandomScore, Seen, TaylorScore

SCORES: list[AbstractScore] = [
    ActivationScore(),
    MagnitudeScore(),
    MagnitudeScore(order=2),
    RandomScore(),
    TaylorScore(),
]

# Two examples; units 0 and 1 answer [[3, 0], [1, 2]] and [[-1, 2], [1, 0]] at two positions.
VALUES = torch.tensor([[[3.0, -1.0], [0.0, 2.0]], [[1.0, 1.0], [2.0, 0.0]]]).unsqueeze(-1)
SLOPES = torch.tensor([[[1.0, 1.0], [5.0, 2.0]], [[1.0, 4.0], [-3.0, 7.0]]]).unsqueeze(-1)
SEEN = Seen(
    incoming=(torch.tensor([[3.0, -4.0], [6.0, 0.0]]).double(),),
    values=lambda: [VALUES],
    slopes=lambda _: [(VALUES, SLOPES)],
)


def test_every_score_is_tested_here() -> None:
    own = {leaf for leaf in AbstractScore.__subclasses__() if leaf.__module__.startswith("harness.")}
    assert {type(score) for score in SCORES} == own


@pytest.mark.parametrize("score", SCORES, ids=repr)
def test_it_survives_json_and_draws_from_the_generator_alone(score: AbstractScore) -> None:
    stream = torch.get_rng_state()

    first, again = (score.scores(SEEN, torch.Generator().manual_seed(3)) for _ in range(2))

    assert (first.shape, first.dtype) == ((2,), torch.float64)
    assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), stream)
    assert AbstractScore.model_validate(score.to_json()) == score


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (MagnitudeScore(), [7.0, 6.0]),
        (MagnitudeScore(order=2), [5.0, 6.0]),
        (ActivationScore(), [(3 + 0 + 1 + 2) / 4, (1 + 2 + 1 + 0) / 4]),
        # Per example: unit 0 |3*1 + 0*5| = 3 and |1*1 - 2*3| = 5; unit 1 |-1 + 4| = 3 and |4 + 0| = 4.
        (TaylorScore(), [(3 + 5) / 2, (3 + 4) / 2]),
    ],
    ids=repr,
)
def test_a_score_is_what_its_paper_says(score: AbstractScore, expected: list[float]) -> None:
    assert score.scores(SEEN, torch.Generator()).tolist() == pytest.approx(expected)


def test_what_several_layers_read_counts_together() -> None:
    both = Seen((), list, lambda _: [(VALUES, SLOPES), (VALUES, -SLOPES)])

    assert TaylorScore().scores(both, torch.Generator()).tolist() == [0, 0]


class Second(nn.Module):
    """Units that two layers read, one of which decides the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.output, self.idle = nn.Linear(2, 3), nn.Linear(3, 2), nn.Linear(3, 2)
        self.unused = nn.Linear(3, 1)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        units = self.hidden(rows)
        return self.output(units), self.idle(units)


def test_the_first_order_is_exact_where_the_loss_is_linear() -> None:
    torch.manual_seed(0)
    model, rows = Second(), torch.randn(1, 2)
    units, weight = model.hidden(rows)[0], model.output.weight
    changes = (units * weight.sum(0)).abs()

    probe = Probe(rows, loss=lambda outputs: outputs[0].sum())
    growth = PruneUnits(path="hidden", by=2, score=TaylorScore()).apply(model, probe=probe, generator=torch.Generator())

    assert isinstance(growth.chosen, PruneUnits)
    assert growth.chosen.units == tuple(changes.argsort()[:2].sort().values.tolist())


def test_a_score_that_follows_the_loss_asks_for_one() -> None:
    with pytest.raises(SpecError, match="expected targets to find directions of steepest descent, found none"):
        PruneUnits(path="hidden", by=1, score=TaylorScore()).apply(
            Second(), probe=Probe(torch.randn(4, 2)), generator=torch.Generator()
        )


def test_units_that_nobody_reads_are_refused() -> None:
    with pytest.raises(ModulePathError, match="found none"):
        PruneUnits(path="unused", by=1, readers=("idle",)).apply(
            Second(), probe=Probe(torch.randn(4, 2)), generator=torch.Generator()
        )


def test_leaves_are_specs() -> None:
    assert issubclass(AbstractScore, LeafSpec)
