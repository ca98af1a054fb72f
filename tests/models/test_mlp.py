import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from harness.models import MLP, AbstractModel
from harness.models.head import ACTIVATIONS, Activation
from harness.models.taps import feature_shape

SPECS = st.builds(
    MLP,
    inputs=st.integers(1, 9),
    widths=st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    dropout=st.sampled_from([0.0, 0.5]),
)


@given(spec=SPECS)
def test_it_survives_json(spec: MLP) -> None:
    assert AbstractModel.model_validate(spec.to_json()) == spec


@given(spec=SPECS, outputs=st.integers(1, 5))
def test_every_layer_is_a_tap_of_its_width(spec: MLP, outputs: int) -> None:
    model, example = spec.build(outputs), torch.zeros(3, spec.inputs)

    shapes = [feature_shape(model, f"hidden.{layer}", example) for layer in range(len(spec.widths))]

    assert shapes == [(3, width) for width in spec.widths]
    assert feature_shape(model, "output", example) == model(example).shape == (3, outputs)


@given(spec=SPECS, outputs=st.integers(1, 5))
def test_parameters_are_as_many_as_the_formula_says(spec: MLP, outputs: int) -> None:
    sizes = (spec.inputs, *spec.widths, outputs)

    count = sum(parameter.numel() for parameter in spec.build(outputs).parameters())

    assert count == sum((before + 1) * after for before, after in pairwise(sizes))


@pytest.mark.parametrize("shape", [(12,), (3, 4), (1, 2, 6)])
def test_inputs_are_flattened(shape: tuple[int, ...]) -> None:
    model = MLP(inputs=math.prod(shape), widths=(5,)).build(2)

    assert model(torch.zeros(4, *shape)).shape == (4, 2)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_follows_each_hidden_layer_and_none_the_output(activation: Activation) -> None:
    model = MLP(inputs=3, widths=(4, 5), activation=activation).build(2)
    inputs, act = torch.randn(6, 3), ACTIVATIONS[activation]()
    first, second, output = (module for module in model.modules() if isinstance(module, nn.Linear))

    torch.testing.assert_close(model(inputs), output(act(second(act(first(inputs))))))


def test_dropout_follows_each_hidden_layer_in_training_only() -> None:
    model, inputs = MLP(inputs=3, widths=(40, 40), dropout=0.5).build(2), torch.randn(6, 3)

    with torch.random.fork_rng():
        trained = [model(inputs) for _ in range(2)]
    model.eval()

    assert [module.p for module in model.modules() if isinstance(module, nn.Dropout)] == [0.5, 0.5]
    assert not torch.equal(*trained)
    assert torch.equal(model(inputs), model(inputs))


@pytest.mark.parametrize(
    "fields",
    [{"widths": ()}, {"widths": (0,)}, {"inputs": 0}, {"dropout": 1}, {"dropout": -0.1}, {"activation": "sin"}],
)
def test_impossible_sizes_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(fields))):
        MLP.model_validate({"inputs": 3, "widths": (4,)} | fields)
