import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.growth import AlignRows, WidenHead, grow
from harness.models.widened import output_parts


def grown(rows: str) -> tuple[nn.Sequential, torch.optim.Optimizer]:
    """Return a network whose output layer got three rows after its first four, and has been trained."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4))
    optimizer = torch.optim.Adam(model.parameters())
    grow(model, optimizer, WidenHead.model_validate({"path": "2", "to": 7, "rows": rows}))
    model(torch.ones(2, 3)).square().sum().backward()
    optimizer.step()
    return model, optimizer


def weight_of(model: nn.Module) -> Tensor:
    return torch.cat([part.weight.detach().clone() for part in output_parts(model, "2")])


@pytest.mark.parametrize("first", [2, 4, 6])
@pytest.mark.parametrize("rows", ["own", "in_place"])
def test_late_rows_get_the_mean_length_of_the_first_and_keep_their_directions(rows: str, first: int) -> None:
    model, optimizer = grown(rows)
    before = weight_of(model)

    grow(model, optimizer, AlignRows(path="2", first=first), number=2)

    after = weight_of(model)
    factor = before[:first].norm(dim=1).mean() / before[first:].norm(dim=1).mean()
    assert torch.equal(after[:first], before[:first])
    torch.testing.assert_close(after[first:], before[first:] * factor)


def test_moments_stay() -> None:
    model, optimizer = grown("own")
    before = [optimizer.state[part.weight]["exp_avg"].clone() for part in output_parts(model, "2")]

    grow(model, optimizer, AlignRows(path="2", first=4), number=2)

    after = [optimizer.state[part.weight]["exp_avg"] for part in output_parts(model, "2")]
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize(("first", "zeros", "found"), [(4, 0, "below the 4 rows"), (2, 2, "found zeros")])
def test_without_rows_of_a_length_on_both_sides_it_is_refused(first: int, zeros: int, found: str) -> None:
    layer = nn.Linear(3, 4)
    model = nn.Sequential(layer)
    with torch.no_grad():
        layer.weight[:zeros] = 0
    before = layer.weight

    with pytest.raises(SpecError, match=found):
        AlignRows(path="0", first=first).apply(model, probe=None, generator=torch.Generator())

    assert model[0].weight is before
