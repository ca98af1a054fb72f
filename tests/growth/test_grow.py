import copy

import pytest
import torch

from harness.core.errors import TapNotFoundError
from harness.growth import AttachHead, NoFreezing, OldParameters
from harness.growth.grow import Grown, grow
from harness.growth.probe import Probe
from harness.models import GrowableModel
from harness.training.optimizers import AdamW


def grown(model: GrowableModel, images: torch.Tensor, *, tap: str = "hidden", seed: int = 0) -> Grown:
    operation = AttachHead(name="late", outputs=2, tap=tap, width=3)
    optimizer = AdamW().start(model.parameters())
    return grow(model, optimizer, operation, freeze_policy=OldParameters(), probe=Probe(images), seed=seed)


def test_old_outputs_stay_to_the_bit(conv_model: GrowableModel, images: torch.Tensor) -> None:
    conv_model.eval()
    before = conv_model(images)["known"]

    grown(conv_model, images)

    outputs = conv_model(images)
    assert torch.equal(outputs["known"], before)
    assert outputs["late"].shape == (5, 2)


def test_new_values_depend_on_seed_and_number_alone(conv_model: GrowableModel, images: torch.Tensor) -> None:
    twin, other = copy.deepcopy(conv_model), copy.deepcopy(conv_model)

    grown(conv_model, images)
    torch.randn(100)
    grown(twin, images)
    grown(other, images, seed=1)

    weights = [model.get_parameter("heads.late.output.weight") for model in (conv_model, twin, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_two_growths_of_a_network_draw_different_values(conv_model: GrowableModel, images: torch.Tensor) -> None:
    optimizer = AdamW().start(conv_model.parameters())
    for number, name in enumerate(("first", "second"), start=1):
        operation = AttachHead(name=name, outputs=2, tap="hidden")
        grow(conv_model, optimizer, operation, probe=Probe(images), number=number)

    first, second = (conv_model.get_parameter(f"heads.{name}.output.weight") for name in ("first", "second"))

    assert not torch.equal(first, second)


def test_a_growth_that_cannot_be_leaves_everything_as_it_was(conv_model: GrowableModel, images: torch.Tensor) -> None:
    before = {name: tensor.clone() for name, tensor in conv_model.state_dict().items()}
    modes = [module.training for module in conv_model.modules()]
    stream = torch.get_rng_state()

    with pytest.raises(TapNotFoundError, match=r"no tap 'nowhere'.*There are: blocks, blocks\.0"):
        grown(conv_model, images, tap="nowhere")

    after = conv_model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert modes == [module.training for module in conv_model.modules()]
    assert torch.equal(torch.get_rng_state(), stream)


def test_the_record_counts_what_was_added(conv_model: GrowableModel, images: torch.Tensor) -> None:
    record = grown(conv_model, images)

    assert record.growth.parameters_added == (7 * 3 + 3) + (3 * 2 + 2)
    assert record.growth.outputs == ("late",)
    assert "0/backbone.blocks.0.norm.running_var" in record.frozen


def test_a_second_growth_freezes_the_first_head_too(conv_model: GrowableModel, images: torch.Tensor) -> None:
    optimizer = AdamW().start(conv_model.parameters())
    policies = [NoFreezing(), OldParameters()]

    for number, policy in enumerate(policies, start=1):
        operation = AttachHead(name=f"head{number}", outputs=2, tap="hidden")
        grow(
            conv_model,
            optimizer,
            operation,
            freeze_policy=policy,
            probe=Probe(images),
            number=number,
        )

    assert not any(p.requires_grad for p in conv_model.heads["head1"].parameters())
    assert all(p.requires_grad for p in conv_model.heads["head2"].parameters())
    assert len(optimizer.param_groups) == 3
