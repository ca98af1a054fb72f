import pytest
import torch

from harness.core.errors import SpecError
from harness.models import AbstractModel, Decoder

SMALL = Decoder(context=6, width=8, depth=2, heads=2)
TOKENS = torch.tensor([[1, 0, 4, 2, 3, 1], [2, 2, 0, 1, 4, 3]])


def test_it_survives_json() -> None:
    assert AbstractModel.model_validate(SMALL.to_json()) == SMALL


def test_a_position_sees_those_up_to_it_alone() -> None:
    model, changed = SMALL.build(5).eval(), TOKENS.clone()
    changed[:, 3] = 0

    with torch.no_grad():
        before, after = model(TOKENS), model(changed)

    assert before.shape == (2, 6, 5)
    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert (before[:, 3:] != after[:, 3:]).any(dim=2).all()


def test_a_shorter_sequence_is_read_like_the_beginning_of_a_longer_one() -> None:
    model = SMALL.build(5).eval()

    with torch.no_grad():
        torch.testing.assert_close(model(TOKENS[:, :4]), model(TOKENS)[:, :4])


@pytest.mark.parametrize("tied", [True, False])
def test_reading_and_predicting_share_their_weights_if_they_are_tied(tied: bool) -> None:
    model = SMALL.model_copy(update={"tied": tied}).build(5)

    read, predicted = model.get_submodule("embedding.tokens").weight, model.get_submodule("output").weight

    assert (read is predicted) == tied


def test_it_begins_near_a_uniform_guess() -> None:
    with torch.no_grad():
        chances = SMALL.build(5).eval()(TOKENS).softmax(dim=2)

    torch.testing.assert_close(chances, torch.full_like(chances, 0.2), rtol=0, atol=0.05)


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(SpecError, match="heads: expected a divisor of the width 8, found 3"):
        Decoder(context=6, width=8, heads=3)
