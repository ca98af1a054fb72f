import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from harness.models.head import ACTIVATIONS, Activation, Head, linear_layers

SIZES = st.integers(1, 5)
SHAPES = st.tuples(SIZES, SIZES) | st.tuples(SIZES, SIZES, SIZES) | st.tuples(SIZES, SIZES, SIZES, SIZES)


@given(shape=SHAPES, outputs=SIZES)
def test_a_head_reads_as_many_features_as_are_counted(shape: tuple[int, ...], outputs: int) -> None:
    features = torch.zeros(shape)

    head = Head((shape[-1] if len(shape) == 3 else shape[1], outputs))

    assert head(features).shape == (shape[0], outputs)


@given(widths=st.lists(st.integers(1, 6), min_size=2, max_size=5).map(tuple), dropout=st.sampled_from([0.0, 0.5]))
def test_layers_have_the_widths_they_were_given(widths: tuple[int, ...], dropout: float) -> None:
    layers = linear_layers(Head(widths, dropout=dropout))

    assert [layer.in_features for layer in layers] + [layers[-1].out_features] == list(widths)


def test_a_head_without_hidden_layers_is_linear() -> None:
    head, features = Head((3, 2), activation="tanh", dropout=0.9), torch.randn(4, 3)

    assert torch.equal(head(features), head.output(features))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_hidden_units_have_their_activation(activation: Activation) -> None:
    head, features = Head((3, 5, 2), activation), torch.randn(4, 3)
    first, last = linear_layers(head)

    expected = last(ACTIVATIONS[activation]()(first(features)))

    torch.testing.assert_close(head(features), expected)


def test_dropout_acts_on_hidden_units_in_training_only() -> None:
    head, features = Head((3, 50, 50, 2), dropout=0.5), torch.randn(4, 3)

    with torch.random.fork_rng():
        trained = [head(features) for _ in range(2)]
    head.eval()

    assert sum(isinstance(module, nn.Dropout) for module in head.modules()) == 2
    assert not torch.equal(*trained)
    assert torch.equal(head(features), head(features))
