from torch import nn

from harness.growth.record import Carried, Growth


def test_born_and_gone_are_told_apart_by_identity() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    before, old = list(model.parameters()), list(model[1].parameters())

    model[1] = nn.Linear(2, 2)  # the same shapes
    growth = Growth.between(before, model)

    assert [id(p) for p in growth.born] == [id(p) for p in model[1].parameters()]
    assert [id(p) for p in growth.gone] == [id(p) for p in old]


def test_a_carried_parameter_is_not_born() -> None:
    model = nn.Sequential(nn.Linear(2, 2, bias=False))
    before, old = list(model.parameters()), model.get_parameter("0.weight")

    model[0] = nn.Linear(2, 5, bias=False)
    growth = Growth.between(
        before, model, carried=(Carried(old, model.get_parameter("0.weight"), (slice(0, 2), slice(None))),)
    )

    assert growth.born == ()
    assert growth.parameters_added == 6
