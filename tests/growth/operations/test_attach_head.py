import pytest
import torch
from pydantic import ValidationError

from harness.growth.operations import AttachHead
from harness.growth.probe import Probe
from harness.initializers import Orthogonal, Zeros
from harness.models import GrowableModel


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
