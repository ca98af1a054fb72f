import torch

from harness.initializers import LayerContext, Zeros


def test_all_values_are_zero_and_nothing_is_drawn() -> None:
    generator = torch.Generator().manual_seed(0)
    state = generator.get_state()

    values = Zeros().values((3, 4), LayerContext(4, 3), generator)

    assert not values.any()
    assert torch.equal(generator.get_state(), state)
