import pytest
import torch
from pydantic import ValidationError

from harness.core.errors import SpecError
from harness.growth.operations import AttachHead
from harness.growth.probe import Probe
from harness.initializers import Imprint, Orthogonal, PriorBias, Zeros
from harness.models import GrowableModel
from harness.models.taps import features_at


@pytest.mark.parametrize(("tap", "features"), [("blocks.0", 4), ("blocks.1", 6), ("hidden", 7)])
def test_a_head_reads_maps_and_vectors(
    tap: str, features: int, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    AttachHead(name="late", outputs=2, tap=tap).apply(conv_model, probe=Probe(images), generator=torch.Generator())

    assert conv_model.get_parameter("heads.late.output.weight").shape == (2, features)
    assert conv_model(images)["late"].shape == (5, 2)


def test_a_silent_head_says_nothing_at_first(conv_model: GrowableModel, images: torch.Tensor) -> None:
    operation = AttachHead(name="late", outputs=2, tap="hidden", width=3, output_init=Zeros())

    operation.apply(conv_model, probe=Probe(images), generator=torch.Generator())

    assert not conv_model(images)["late"].any()
    assert conv_model.get_parameter("heads.late.layers.0.weight").any()


def test_a_hidden_layer_of_zeros_is_refused() -> None:
    with pytest.raises(ValidationError, match="set output_init to zeros"):
        AttachHead(name="late", outputs=2, tap="hidden", width=3, init=Zeros())


def test_a_head_takes_the_type_of_the_network(conv_model: GrowableModel, images: torch.Tensor) -> None:
    conv_model.double()

    AttachHead(name="late", outputs=2, tap="hidden").apply(
        conv_model, probe=Probe(images.double()), generator=torch.Generator()
    )

    assert conv_model(images.double())["late"].dtype is torch.float64


def test_the_scheme_fills_every_layer(conv_model: GrowableModel, images: torch.Tensor) -> None:
    operation = AttachHead(name="late", outputs=2, tap="hidden", width=3, init=Orthogonal())

    operation.apply(conv_model, probe=Probe(images), generator=torch.Generator())

    for name in ("layers.0.weight", "output.weight"):
        weight = conv_model.get_parameter(f"heads.late.{name}")
        torch.testing.assert_close(weight @ weight.T, torch.eye(len(weight)))


@pytest.mark.parametrize("width", [0, 16])
def test_imprinted_outputs_recognize_the_examples_that_they_were_made_from(
    width: int, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    targets = torch.tensor([0, 1, -1, -1, -1])
    operation = AttachHead(name="late", outputs=2, tap="hidden", width=width, output_init=Imprint(), bias=PriorBias())

    operation.apply(conv_model, probe=Probe(images, targets), generator=torch.Generator().manual_seed(0))

    features = (
        features_at(conv_model, "heads.late.layers", images)
        if width
        else features_at(conv_model.backbone, "hidden", images)
    )
    weight = conv_model.get_parameter("heads.late.output.weight")
    cosines = torch.nn.functional.cosine_similarity(features[:2, None], weight[None], dim=2)
    torch.testing.assert_close(cosines.diagonal(), torch.ones(2))


def test_values_from_examples_are_refused_without_them(conv_model: GrowableModel, images: torch.Tensor) -> None:
    operation = AttachHead(name="late", outputs=2, tap="hidden", output_init=Imprint())

    with pytest.raises(SpecError, match="targets"):
        operation.apply(conv_model, probe=Probe(images), generator=torch.Generator())

    assert "late" not in conv_model.heads


@pytest.mark.parametrize("stop_gradient", [True, False])
def test_a_head_may_leave_alone_what_it_reads(
    stop_gradient: bool, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    operation = AttachHead(name="late", outputs=2, tap="hidden", width=3, stop_gradient=stop_gradient)

    operation.apply(conv_model, probe=Probe(images), generator=torch.Generator())
    conv_model(images)["late"].sum().backward()

    assert all(parameter.grad is not None for parameter in conv_model.heads.parameters())
    assert all(parameter.grad is None for parameter in conv_model.backbone.parameters()) == stop_gradient
