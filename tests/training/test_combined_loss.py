import pytest
import torch
from torch import Tensor

from harness.core.errors import ContractError, SpecError
from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.outputs import Output
from harness.losses import AbstractLoss, Batch, JointCrossEntropy, MeanSquared, ModelLoss, Ramp, Uncertainty, Weight
from harness.training.combined_loss import CombinedLoss, combine_losses


def batch_of(**outputs: Tensor) -> Batch:
    specs = OutputSpecs(LabelMap.of({"known": (0, 1)} if "known" in outputs else {}), {"load": Output()})
    targets = {"load": torch.zeros(3, 1)}
    return Batch(outputs, torch.zeros(3, 1), torch.tensor([0, 1, 1]), specs, targets)


def found(
    losses: dict[str, AbstractLoss],
    batch: Batch,
    *,
    step: int = 0,
    growth: dict[str, Weight] | None = None,
    variances: dict[str, Tensor] | None = None,
) -> CombinedLoss:
    return combine_losses(losses, batch, step=step, growth_weights=growth or {}, log_variances=variances or {})


LOAD = torch.full((3, 1), 2.0)


def test_the_weight_of_a_loss_and_that_of_a_growth_are_multiplied() -> None:
    it = found({"load": MeanSquared(weight=0.5)}, batch_of(load=LOAD), growth={"load": 0.25})

    assert it.components == {"load": torch.tensor(4.0)}
    assert it.weighted == {"load": torch.tensor(0.5)}
    assert it.total == 0.5


def test_a_growths_weight_reaches_the_losses_of_its_output_whatever_they_are_called() -> None:
    losses: dict[str, AbstractLoss] = {"error": MeanSquared(output="load")}

    assert found(losses, batch_of(load=LOAD), growth={"load": 0.25}).total == 1


def test_a_ramp_follows_the_step() -> None:
    losses: dict[str, AbstractLoss] = {"load": MeanSquared(weight=Ramp(steps=10))}

    assert [found(losses, batch_of(load=LOAD), step=step).total.item() for step in (0, 5, 20)] == [0, 2, 4]
    ramp: dict[str, Weight] = {"load": Ramp(steps=10).since(100)}
    assert found({"load": MeanSquared()}, batch_of(load=LOAD), step=105, growth=ramp).total == 2


def test_a_loss_is_silent_until_its_output_is_there() -> None:
    losses: dict[str, AbstractLoss] = {"classes": JointCrossEntropy(), "load": MeanSquared()}

    before = found(losses, batch_of(known=torch.zeros(3, 2)))
    after = found(losses, batch_of(known=torch.zeros(3, 2), load=LOAD))

    assert list(before.components) == ["known"]
    assert list(after.components) == ["known", "load"]


def test_scalars_of_the_models_own_are_components() -> None:
    batch = batch_of(load=LOAD, kl_loss=torch.tensor(3.0), size_reg=torch.tensor(5.0), kl=torch.tensor(7.0))

    plain = found({"load": MeanSquared()}, batch)
    weighed = found({"load": MeanSquared(), "kl_loss": ModelLoss(weight=0.1)}, batch)
    renamed = found({"load": MeanSquared(), "kl": ModelLoss(), "size": ModelLoss(output="size_reg")}, batch)

    assert list(plain.components) == ["load", "kl_loss", "size_reg"]
    assert weighed.weighted["kl_loss"].item() == pytest.approx(0.3)
    assert list(renamed.components) == ["load", "kl", "size", "kl_loss"]


def test_a_learned_weight_adds_a_component_as_soon_as_there_is_a_loss_to_weigh() -> None:
    losses: dict[str, AbstractLoss] = {
        "classes": JointCrossEntropy(),
        "load": MeanSquared(weight=Uncertainty(likelihood="gaussian")),
    }
    variance = torch.tensor(0.5, requires_grad=True)

    before = found(losses, batch_of(known=torch.zeros(3, 2)), variances={"load": variance})
    after = found(losses, batch_of(load=LOAD), variances={"load": variance})
    after.total.backward()

    assert list(before.components) == ["known"]
    assert after.weighted["load"].item() == pytest.approx(4 / 2 * torch.tensor(-0.5).exp().item())
    assert after.weighted["load_log_variance"].item() == pytest.approx(0.25)
    assert variance.grad is not None
    assert variance.grad.item() == pytest.approx(0.5 - 2 * torch.tensor(-0.5).exp().item())


def test_a_name_belongs_to_one_component() -> None:
    with pytest.raises(SpecError, match="expected components of different names, found 'known' twice"):
        found({"a": JointCrossEntropy(), "b": JointCrossEntropy()}, batch_of(known=torch.zeros(3, 2)))


def test_the_name_of_the_sum_is_taken() -> None:
    with pytest.raises(SpecError, match="found 'total' twice"):
        found({"total": MeanSquared(output="load")}, batch_of(load=LOAD))


def test_nothing_to_train_is_refused() -> None:
    with pytest.raises(SpecError, match="expected a loss of an output that exists, found none of latent"):
        found({"load": MeanSquared()}, batch_of(latent=LOAD))


@pytest.mark.parametrize(("value", "said"), [(torch.zeros(3), r"\(3,\)"), (0.5, "float")])
def test_a_component_that_is_no_scalar_is_named_with_its_step(value: Tensor, said: str) -> None:
    batch = batch_of(load=LOAD, kl_loss=value)

    with pytest.raises(
        ContractError, match=f"expected a scalar tensor as loss component 'kl_loss' at step 8, found {said}"
    ):
        found({"load": MeanSquared()}, batch, step=7)
