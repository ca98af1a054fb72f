"""Losses against a teacher, checked against their formulas."""

import math
from dataclasses import replace

import pytest
import torch
from scipy.special import rel_entr, softmax
from torch import Tensor
from torch.nn import functional

from harness.core.errors import SpecError
from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.outputs import Output
from harness.losses import Batch, Distillation, FeatureMatching, LearningWithoutForgetting, PooledOutputsDistillation

STREAM = torch.Generator().manual_seed(0)
OUTPUTS = {"size": Output(), "kind": Output(kind="classes", columns=3)}


def batch_of(new: dict[str, Tensor], old: dict[str, Tensor], classes: dict[str, tuple[int, ...]]) -> Batch:
    size = len(next(iter(new.values())))
    specs = OutputSpecs(LabelMap.of(classes), OUTPUTS)
    return Batch(new, torch.zeros(size, 1), torch.zeros(size, dtype=torch.int64), specs, teacher=old)


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=STREAM)


def divergence(old: Tensor, new: Tensor, temperature: float) -> float:
    p, q = (softmax(logits.double().numpy() / temperature, axis=1) for logits in (old, new))
    return float(rel_entr(p, q).sum(axis=1).mean())


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_distillation_is_the_divergence_times_the_temperature_squared(temperature: float) -> None:
    new, old = normal(6, 3), normal(6, 3)
    batch = batch_of({"known": new}, {"known": old}, {"known": (0, 1, 2)})

    found = Distillation(temperature=temperature).components("teacher", batch)["teacher"].item()

    assert found == pytest.approx(temperature**2 * divergence(old, new, temperature), rel=1e-5)


def test_new_columns_and_new_heads_are_left_out() -> None:
    new = {"known": normal(6, 5), "late": normal(6, 2)}
    old = {"known": normal(6, 3)}
    batch = batch_of(new, old, {"known": (0, 1, 2, 3, 4), "late": (5, 6)})

    found = Distillation(temperature=2).components("teacher", batch)["teacher"].item()

    assert found == pytest.approx(4 * divergence(old["known"], new["known"][:, :3], 2), rel=1e-5)


def test_children_have_their_parents_probability_together() -> None:
    new, old = normal(6, 5), normal(6, 2)
    batch = batch_of({"known": new}, {"known": old}, {"known": (0, 1, 2, 3, 4)})

    found = Distillation(temperature=1, columns=(0, 1, 1, None, 0)).components("teacher", batch)["teacher"].item()

    p, q = old.double().softmax(dim=1), new[:, [0, 1, 2, 4]].double().softmax(dim=1)
    grouped = torch.stack([q[:, 0] + q[:, 3], q[:, 1] + q[:, 2]], dim=1)
    assert found == pytest.approx(rel_entr(p.numpy(), grouped.numpy()).sum(axis=1).mean(), rel=1e-5)


def test_a_split_that_shares_the_parents_probability_changes_nothing() -> None:
    old = normal(6, 3)
    new = torch.cat([old[:, :2], old[:, 2:] - torch.tensor(2.0).log(), old[:, 2:] - torch.tensor(2.0).log()], dim=1)
    batch = batch_of({"known": new}, {"known": old}, {"known": (0, 1, 2, 3)})

    found = Distillation(temperature=1, columns=(0, 1, 2, 2)).components("teacher", batch)["teacher"]

    assert found.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("columns", "message"),
    [((0, 1), "expected for each of the student's 3 columns"), ((0, 0, 0), "that name 1"), ((0, 1, 2), "that name 3")],
)
def test_columns_that_do_not_fit_are_refused(columns: tuple[int, ...], message: str) -> None:
    batch = batch_of({"known": normal(2, 3)}, {"known": normal(2, 2)}, {"known": (0, 1, 2)})

    with pytest.raises(SpecError, match=message):
        Distillation(columns=columns).components("teacher", batch)


def test_fewer_columns_than_the_teachers_need_a_map() -> None:
    batch = batch_of({"known": normal(2, 2)}, {"known": normal(2, 3)}, {"known": (0, 1)})

    with pytest.raises(SpecError, match="expected a student with the teacher's 3 columns, found 2; give columns"):
        Distillation().components("teacher", batch)


def test_an_output_that_the_teacher_has_not_is_not_distilled() -> None:
    batch = batch_of({"known": normal(2, 2), "size": normal(2, 1)}, {"known": normal(2, 2)}, {"known": (0, 1)})

    assert Distillation(output="size").components("teacher", batch) == {}


def test_without_forgetting_old_heads_are_compared_side_by_side_or_each_for_itself() -> None:
    new = {"a": normal(6, 3), "b": normal(6, 2), "c": normal(6, 2)}
    old = {"a": normal(6, 2), "b": normal(6, 2)}
    batch = batch_of(new, old, {"a": (0, 1, 2), "b": (3, 4), "c": (5, 6)})

    joint = LearningWithoutForgetting().components("lwf", batch)["lwf"]
    apart = LearningWithoutForgetting(joint=False).components("lwf", batch)["lwf"]

    def crossed(p: Tensor, q: Tensor) -> Tensor:
        return functional.cross_entropy(q / 2, (p / 2).softmax(dim=1))

    side_by_side = torch.cat([old["a"], old["b"]], dim=1), torch.cat([new["a"][:, :2], new["b"]], dim=1)
    torch.testing.assert_close(joint, crossed(*side_by_side))
    torch.testing.assert_close(apart, crossed(old["a"], new["a"][:, :2]) + crossed(old["b"], new["b"]))


def test_without_forgetting_other_outputs_stay_too() -> None:
    new = {"size": normal(6, 2), "kind": normal(6, 3), "own_loss": torch.tensor(1.0)}
    old = {"size": normal(6, 1), "kind": normal(6, 3), "own_loss": torch.tensor(2.0)}

    found = LearningWithoutForgetting(temperature=1).components("lwf", batch_of(new, old, {}))["lwf"]

    kind = functional.cross_entropy(new["kind"], old["kind"].softmax(dim=1))
    torch.testing.assert_close(found, functional.mse_loss(new["size"][:, :1], old["size"]) + kind)


def test_a_network_that_forgets_nothing_is_at_the_minimum() -> None:
    logits = normal(6, 3).requires_grad_()
    batch = batch_of({"known": logits}, {"known": logits.detach()}, {"known": (0, 1, 2)})

    for loss in (LearningWithoutForgetting(), Distillation()):
        (gradient,) = torch.autograd.grad(loss.components("it", batch)["it"], logits)
        torch.testing.assert_close(gradient, torch.zeros_like(gradient), atol=1e-6, rtol=0)


def test_matched_features_are_compared_in_the_mean() -> None:
    batch = batch_of({"known": normal(6, 3)}, {}, {"known": (0, 1, 2)})
    batch = replace(batch, features={"tap": torch.ones(6, 4)}, teacher_features={"tap": torch.full((6, 4), 3.0)})

    assert FeatureMatching(tap="tap").components("match", batch) == {"match": torch.tensor(4.0)}


def test_features_of_another_shape_are_refused() -> None:
    batch = batch_of({"known": normal(6, 3)}, {}, {"known": (0, 1, 2)})
    batch = replace(batch, features={"tap": torch.ones(6, 5)}, teacher_features={"tap": torch.ones(6, 4)})

    with pytest.raises(SpecError, match=r"teacher's shape \(6, 4\) at tap 'tap', found \(6, 5\)"):
        FeatureMatching(tap="tap").components("match", batch)


def test_profiles_are_compared_by_rows_and_columns_of_each_channel() -> None:
    maps, old = torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2, 2)
    maps[0, 0], old[0, 0] = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[2.0, 1.0], [0.0, 0.0]])
    batch = batch_of({"known": normal(1, 2)}, {"known": normal(1, 2)}, {"known": (0, 1)})
    batch = replace(batch, features={"maps": maps}, teacher_features={"maps": old})

    found = PooledOutputsDistillation(layers=("maps",)).components("pod", batch)["pod"].item()

    # Rows [5, 0] and columns [1, 4] against rows [5, 0] and columns [4, 1], each divided by the root of 42.
    assert found == pytest.approx(math.sqrt(18 / 42))


def test_equal_maps_have_no_distance_and_no_direction() -> None:
    maps = normal(3, 2, 4, 4).requires_grad_()
    batch = batch_of({"known": normal(3, 2)}, {"known": normal(3, 2)}, {"known": (0, 1)})
    batch = replace(batch, features={"maps": maps}, teacher_features={"maps": maps.detach()})

    value = PooledOutputsDistillation(layers=("maps",)).components("pod", batch)["pod"]

    assert value.item() == 0
    assert torch.autograd.grad(value, maps)[0].count_nonzero() == 0


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ((2, 5), (2, 5), r"the shape \[B, C, H, W\]"),
        ((2, 3, 4, 4), (2, 2, 4, 4), r"the teacher's shape \(2, 2, 4, 4\)"),
    ],
)
def test_other_features_than_maps_and_maps_that_grew_are_refused(
    new: tuple[int, ...], old: tuple[int, ...], expected: str
) -> None:
    batch = batch_of({"known": normal(2, 2)}, {"known": normal(2, 2)}, {"known": (0, 1)})
    batch = replace(batch, features={"maps": normal(*new)}, teacher_features={"maps": normal(*old)})

    with pytest.raises(SpecError, match=f"expected maps of {expected} at 'maps'"):
        PooledOutputsDistillation(layers=("maps",)).components("pod", batch)
