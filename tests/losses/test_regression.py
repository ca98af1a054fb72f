"""Losses of values against the same of other libraries, or against their formula."""

import pytest
import torch
from scipy.special import huber
from sklearn.metrics import mean_absolute_error, mean_squared_error
from torch import Tensor

from harness.core.errors import SpecError
from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.outputs import Output, Scale
from harness.losses import Absolute, AbstractLoss, Batch, Huber, MeanSquared, ModelLoss, ParameterNorm, Reconstruction
from harness.losses import TargetWeighted as Weighted

STREAM = torch.Generator().manual_seed(0)
VALUES, TRUTH = torch.randn(9, 2, generator=STREAM), torch.randn(9, 2, generator=STREAM)
SCALE = Scale(mean=20.0, std=10.0, unit="kW")


def value_of(loss: AbstractLoss, values: Tensor = VALUES, truth: Tensor = TRUTH) -> float:
    specs = OutputSpecs(LabelMap.of({}), {"load": Output(columns=2)}, {"load": SCALE})
    batch = Batch({"load": values}, torch.zeros(len(values), 3), torch.zeros(len(values)), specs, {"load": truth})
    return loss.components("load", batch)["load"].item()


def test_mean_squared_absolute_and_huber_are_those_of_others() -> None:
    assert value_of(MeanSquared()) == pytest.approx(mean_squared_error(TRUTH, VALUES), rel=1e-6)
    assert value_of(Absolute()) == pytest.approx(mean_absolute_error(TRUTH, VALUES), rel=1e-6)
    assert value_of(Huber(delta=0.7)) == pytest.approx(huber(0.7, (VALUES - TRUTH).numpy()).mean(), rel=1e-6)


@pytest.mark.parametrize("loss", [MeanSquared(), Absolute(), Huber(), Weighted(threshold=0, slope=1)])
def test_an_output_with_fewer_columns_answers_for_the_first(loss: AbstractLoss) -> None:
    assert value_of(loss, VALUES[:, :1]) == pytest.approx(value_of(loss, VALUES[:, :1], TRUTH[:, :1]))


@pytest.mark.parametrize("error", ["squared", "absolute"])
def test_weights_grow_with_the_target_in_its_own_unit(error: str) -> None:
    loss = Weighted.model_validate({"threshold": 25.0, "slope": 0.5, "error": error})

    own = TRUTH.double() * 10 + 20
    weights = 1 + 0.5 * (own - 25).clamp(min=0)
    errors = (VALUES.double() - TRUTH.double()).abs() ** (2 if error == "squared" else 1)
    assert value_of(loss) == pytest.approx(((weights * errors).sum() / weights.sum()).item(), rel=1e-5)


def test_no_slope_is_the_plain_error() -> None:
    assert value_of(Weighted(threshold=0, slope=0)) == pytest.approx(value_of(MeanSquared()))


def test_sklearn_weights_examples_alike() -> None:
    truth = TRUTH[:, :1]

    found = value_of(Weighted(threshold=15.0, slope=2.0), VALUES[:, :1], truth)

    weights = 1 + 2 * (truth[:, 0] * 10 + 20 - 15).clamp(min=0)
    assert found == pytest.approx(mean_squared_error(truth, VALUES[:, :1], sample_weight=weights), rel=1e-5)


def reconstruction(loss: AbstractLoss, copy: Tensor, inputs: Tensor) -> float:
    batch = Batch({"copy": copy}, inputs, torch.zeros(len(inputs)), OutputSpecs(LabelMap.of({})))
    return loss.components("copy", batch)["copy"].item()


def test_reconstruction_compares_with_the_inputs_whatever_their_shape() -> None:
    copy, inputs = torch.rand(4, 6), torch.rand(4, 1, 2, 3)

    squared = reconstruction(Reconstruction(), copy, inputs)
    binary = reconstruction(Reconstruction(error="binary"), copy, inputs)

    flat, p = inputs.flatten(1), copy.sigmoid()
    assert squared == pytest.approx(mean_squared_error(flat, copy), rel=1e-6)
    assert binary == pytest.approx(-(flat * p.log() + (1 - flat) * (1 - p).log()).mean().item(), rel=1e-5)


def test_a_reconstruction_of_another_size_is_refused() -> None:
    with pytest.raises(SpecError, match="expected 6 values of 'copy' an example, as there are inputs, found 5"):
        reconstruction(Reconstruction(), torch.rand(4, 5), torch.rand(4, 2, 3))


def test_a_norm_is_that_of_the_parameters_named() -> None:
    parameters = {"fc.weight": torch.tensor([3.0, 4.0]), "fc.bias": torch.tensor(2.0), "fc2.weight": torch.ones(9)}
    batch = Batch({}, torch.zeros(1, 1), torch.zeros(1), OutputSpecs(LabelMap.of({}), parameters=parameters))

    assert ParameterNorm(paths=("fc",)).components("norm", batch) == {"norm": torch.tensor(29 / 2)}
    assert ParameterNorm(paths=("fc.bias", "fc2")).components("norm", batch) == {"norm": torch.tensor(13 / 2)}


def test_parameters_that_are_not_there_are_named() -> None:
    batch = Batch({}, torch.zeros(1, 1), torch.zeros(1), OutputSpecs(LabelMap.of({}), parameters={"fc.weight": VALUES}))

    with pytest.raises(SpecError, match=r"no parameters at fc\.widht\. Did you mean 'fc\.weight'"):
        ParameterNorm(paths=("fc.widht",)).components("norm", batch)


def test_a_loss_of_the_models_own_is_what_the_model_says() -> None:
    batch = Batch({"kl": torch.tensor(2.5)}, torch.zeros(1, 1), torch.zeros(1), OutputSpecs(LabelMap.of({})))

    assert ModelLoss(output="kl").components("divergence", batch) == {"divergence": torch.tensor(2.5)}
