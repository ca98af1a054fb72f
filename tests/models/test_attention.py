import pytest
import torch

from harness.models.attention import SelfAttention


@pytest.mark.parametrize(("causal", "same"), [(True, True), (False, False)])
def test_only_a_causal_position_is_blind_to_those_after_it(*, causal: bool, same: bool) -> None:
    block = SelfAttention(4, heads=2, causal=causal).eval()
    features = torch.randn(3, 5, 4)
    other = features.clone()
    other[:, -1] = torch.randn(3, 4)

    before, after = block(features), block(other)

    assert before.shape == (3, 5, 4)
    assert torch.allclose(before[:, :-1], after[:, :-1], atol=1e-6) is same
